import { CallContext, type Identity, now, runInContext } from '../boundary/index.js';

/** Total time for the work of a test, in milliseconds; each contract's own deadline applies as well. */
export const TEST_DEADLINE_MS = 60_000;

/**
 * Runs work of a test on behalf of a user, as a request of theirs would be: the modules that it calls by a bus of the
 * application see the user, and their access rules hold. `undefined` is work without a user.
 *
 * `await actingAs({ subject: 'u-1', roles: ['staff'] }, () => app.get(DeskModule, CommandBus).execute(new Open()))`
 */
export function actingAs<R>(identity: Identity | undefined, work: () => R): R {
  return runInContext(new CallContext('test', 'test', now() + TEST_DEADLINE_MS, identity, undefined, undefined), work);
}
