import { readFileSync } from 'node:fs';
import { StartupError } from '../contract/index.js';
import type { TrustOptions } from '../security/index.js';
import { type Environment, SIGNING_KEY_VARIABLE, type Topology } from '../topology/index.js';

/** The file with the private key of the service; `{service}` in it stands for the name of the service. */
const KEY_FILE_VARIABLE = 'FLEDGE_SIGNING_KEY_FILE';

/**
 * Whether the services of a topology prove to each other who acts: public keys are pinned, and calls leave the process.
 * Without keys, what a call says of its user is believed.
 */
function provesIdentities({ trust, transport }: Pick<Topology, 'trust' | 'transport'>): boolean {
  return transport !== 'local' && Object.keys(trust.keys).length > 0;
}

/**
 * What a service believes, and its own key; `undefined` for a topology that pins no keys.
 * @throws StartupError when keys are pinned and the service has none of its own.
 */
export function trustOptionsOf(topology: Topology, service: string, env: Environment): TrustOptions | undefined {
  if (!provesIdentities(topology)) return undefined;
  const { keys, passports } = topology.trust;
  return {
    deployment: topology.deployment ?? topology.namespace,
    signingKey: signingKeyOf(topology, service, env),
    keys,
    passports,
  };
}

function signingKeyOf({ file }: Topology, service: string, env: Environment): string {
  const [key = '', path = ''] = [env[SIGNING_KEY_VARIABLE], env[KEY_FILE_VARIABLE]];
  if (key !== '') return key;
  if (path === '')
    throw new StartupError(
      'signing-key',
      `${file} pins keys of services, and this service has no key to sign with`,
      `Set ${KEY_FILE_VARIABLE} to a file with its private key, or ${SIGNING_KEY_VARIABLE} to the key: openssl genpkey -algorithm ed25519`,
    );
  try {
    return readFileSync(path.replaceAll('{service}', service), 'utf8');
  } catch (error) {
    throw new StartupError(
      'signing-key',
      `the file of ${KEY_FILE_VARIABLE} cannot be read: ${(error as Error).message}`,
      'Name a file that this account can read.',
    );
  }
}
