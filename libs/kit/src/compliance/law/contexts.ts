import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { contextOf, withContext } from '@fledge/kit';
import { CallContext, ContextValues, now, runInContext } from '../../boundary/index.js';
import { PassOn } from './caller.module.js';
import { LawContext } from './law-context.js';
import { LookContext } from './target.contract.js';
import type { LawWorld } from './world.js';

/** The sentences of the law about the context that an application declares. */
export function describeContexts(world: () => LawWorld): void {
  describe("the application's context", () => {
    const ask = () => world().module('caller').get(QueryBus).execute(new LookContext());
    const passOn = (fields?: ConstructorParameters<typeof PassOn>[0]) =>
      world().module('front').get(CommandBus).execute(new PassOn(fields));
    const flags = ['ß \u0000 \u2028 😀 \ud800 "\\"', '\r\nFledge-Caller: other'];

    it('crosses as it was set, as an instance of its class', async () => {
      const seen = await withContext(LawContext, { tenant: 'acme', locale: 'de', flags }, ask);
      expect(seen.isInstance).toBe(true);
      expect({ ...seen.context }).toEqual({ tenant: 'acme', locale: 'de', flags });
    });

    it('is empty where nobody has set anything', async () => {
      expect(await ask()).toMatchObject({ isInstance: true, context: {} });
      expect((await ask()).text).toBeUndefined();
    });

    it('crosses from hop to hop, and what a module sets goes on and does not come back', async () => {
      await withContext(LawContext, { tenant: 'acme', locale: 'de' }, async () => {
        expect({ ...(await passOn()).context }).toEqual({ tenant: 'acme', locale: 'de' });
        expect({ ...(await passOn({ tenant: 'other' })).context }).toEqual({ tenant: 'other' });
        expect(contextOf(LawContext)).toEqual({ tenant: 'acme', locale: 'de' });
      });
    });

    it('holds on to values that a process between does not know', async () => {
      const values = ContextValues.of({ tenant: 'acme', newer: { of: ['ö'] } });
      const work = new CallContext('front', 'http', now() + 5_000, undefined, undefined, undefined, values);
      const seen = await runInContext(work, () => passOn({ tenant: 'other' }));
      expect({ ...seen.context }).toEqual({ tenant: 'other' });
      expect(seen.text).toBe('{"tenant":"other","newer":{"of":["\\u00f6"]}}');
    });
  });
}
