import { CommandBus } from '@nestjs/cqrs';
import type { Identity } from '@fledge/kit';
import { CallContext, now, runInContext } from '../../boundary/index.js';
import { AskWho } from './caller.module.js';
import type { LawWorld } from './world.js';

/** Who acts in a call, as the module behind two boundaries sees it. */
export function describeActors(world: () => LawWorld): void {
  describe('who acts', () => {
    const askedBy = async (identity: Identity | undefined, onBehalfOf?: string): Promise<object> => {
      const work = new CallContext(
        'front',
        'job',
        now() + 5_000,
        identity,
        undefined,
        undefined,
        undefined,
        onBehalfOf,
      );
      const seen = await runInContext(work, () => world().module('front').get(CommandBus).execute(new AskWho()));
      return { caller: seen.caller, subject: seen.subject, roles: seen.roles, onBehalfOf: seen.onBehalfOf };
    };
    const nobody = { caller: 'caller', subject: undefined, roles: [], onBehalfOf: undefined };

    it('is the user of the request', async () => {
      const identity = { subject: 'u-1', roles: ['staff', 'böse\r\n, "rolle"'] };
      expect(await askedBy(identity)).toEqual({ ...nobody, ...identity });
    });

    it('is the module itself without a user, on behalf of who began the work', async () => {
      expect(await askedBy(undefined, 'ü 2')).toEqual({ ...nobody, onBehalfOf: 'ü 2' });
      expect(await askedBy(undefined)).toEqual(nobody);
    });
  });
}
