import { CommandBus } from '@nestjs/cqrs';
import type { Identity } from '@fledge/kit';
import { CallContext, now, runInContext } from '../../boundary/index.js';
import { AskWho } from './caller.module.js';
import type { Seen } from './target.contract.js';
import type { LawWorld } from './world.js';

/** Who acts in a call, as the module behind two boundaries sees it. */
export function describeActors(world: () => LawWorld): void {
  describe('who acts', () => {
    const askedBy = (identity: Identity | undefined, onBehalfOf?: string): Promise<Seen> => {
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
      return runInContext(work, () => world().module('front').get(CommandBus).execute(new AskWho()));
    };
    const nobody = { caller: 'caller', subject: undefined, roles: [], onBehalfOf: undefined };

    it('is the user of the request', async () => {
      const seen = await askedBy({ subject: 'u-1', roles: ['staff', 'böse\r\n, "rolle"'] });
      expect(seen).toMatchObject({ ...nobody, subject: 'u-1', roles: ['staff', 'böse\r\n, "rolle"'] });
    });

    it('is the module itself without a user, on behalf of who began the work', async () => {
      expect(await askedBy(undefined, 'ü 2')).toMatchObject({ ...nobody, onBehalfOf: 'ü 2' });
      expect(await askedBy(undefined)).toMatchObject(nobody);
    });
  });
}
