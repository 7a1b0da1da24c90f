import { newServiceKeys, SIGNING_KEY_VARIABLE, type Topology, TRUSTED_KEYS_VARIABLE } from '@fledge/kit/operations';

/**
 * Throw-away keys for the services of one run, with a broker of its own: each gets its private key and the public keys
 * of all, so that users are proven between services on a developer's machine as in production.
 */
export class ServiceKeys {
  private readonly signingKeys = new Map<string, string>();
  private readonly trusted: string;

  constructor({ services }: Topology) {
    const pinned = services.map(({ name }) => {
      const { signingKey, publicKey } = newServiceKeys();
      this.signingKeys.set(name, signingKey);
      return `${name}=${publicKey}`;
    });
    this.trusted = pinned.join(' ');
  }

  /** The environment of a service. */
  envOf(service: string): NodeJS.ProcessEnv {
    return { [SIGNING_KEY_VARIABLE]: this.signingKeys.get(service), [TRUSTED_KEYS_VARIABLE]: this.trusted };
  }
}

/** Whether a topology pins keys itself: the services are then given theirs by whoever starts this. */
export function pinsKeys({ trust }: Topology): boolean {
  return Object.keys(trust.keys).length > 0;
}
