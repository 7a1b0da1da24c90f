import { createRequire } from 'node:module';
import type { inject } from 'light-my-request';
import { StartupError } from '../contract/index.js';

/**
 * Loads what Fastify answers `inject()` with. Not before it is needed: it is CommonJS that requires ESM, which jest can
 * do on Node 24.9 and newer alone.
 */
export function injector(): typeof inject {
  try {
    return (createRequire(import.meta.url)('light-my-request') as { readonly inject: typeof inject }).inject;
  } catch (error) {
    throw Object.assign(
      new StartupError(
        'test-inject',
        `light-my-request, which inject() needs, cannot be loaded: ${(error as Error).message.split('\n')[0] ?? ''}`,
        'jest cannot load it on Node before 24.9: use the server with supertest, or the URL, or set "overrides": { "cookie": "^1.1.1" } in the package.json of the application.',
      ),
      { cause: error },
    );
  }
}
