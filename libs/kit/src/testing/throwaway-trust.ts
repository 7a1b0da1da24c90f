import { newServiceKeys, type TrustOptions } from '../security/index.js';

/**
 * Makes keys for the services of a test, and returns what each of them believes, in the order of the services.
 * @param services the modules that each hosts.
 */
export function throwawayTrust(deployment: string, services: readonly (readonly string[])[]): readonly TrustOptions[] {
  const keys = services.map(() => newServiceKeys());
  const pinned = services.flatMap((modules, i) =>
    modules.map((module): [string, string[]] => [module, [keys[i]?.publicKey as string]]),
  );
  return keys.map(({ signingKey }) => ({ deployment, signingKey, keys: Object.fromEntries(pinned) }));
}
