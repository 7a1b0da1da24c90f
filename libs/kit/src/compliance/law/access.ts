import { type IQuery, QueryBus } from '@nestjs/cqrs';
import { AccessDenied, type DenialReason } from '@fledge/kit/contract';
import { CallContext, type Identity, now, runInContext } from '../../boundary/index.js';
import { CountRuns, ForCaller, ForClerks, ForOwner, ForScopes, ForUsers } from './access.contract.js';
import type { LawWorld } from './world.js';

/** The sentences of the law about the access rules of messages. */
export function describeAccess(world: () => LawWorld): void {
  describe('access rules', () => {
    const send = (query: IQuery, identity?: Identity, module = 'caller'): Promise<string> => {
      const bus = world().module(module).get(QueryBus);
      const work = new CallContext(module, 'http', now() + 5_000, identity, undefined, undefined);
      return runInContext(work, () => bus.execute<IQuery, string>(query));
    };
    const runs = (): Promise<number> => world().module('caller').get(QueryBus).execute(new CountRuns());
    const anna: Identity = { subject: 'anna', roles: [] };
    const clerk: Identity = { subject: 'carl', roles: ['other', 'clerk'] };

    async function denied(reason: DenialReason, kind: string, call: () => Promise<string>): Promise<void> {
      const before = await runs();
      const error: unknown = await call().catch((failure: unknown) => failure);
      expect(error).toBeInstanceOf(AccessDenied);
      expect(error).toMatchObject({ reason, kind, outcome: 'not-run', module: 'target' });
      expect(await runs()).toBe(before);
    }

    it('let only the modules call that a contract names', async () => {
      expect(await send(new ForCaller())).toBe('nobody: none');
      expect(await send(new ForCaller(), anna)).toBe('anna: none');
      await denied('caller', 'internal', () => send(new ForCaller(), clerk, 'front'));
    });

    it('refuse a call without a user where one is needed', async () => {
      expect(await send(new ForUsers(), anna)).toBe('anna: none');
      for (const message of [new ForUsers(), new ForClerks(), new ForScopes(), new ForOwner({ userId: 'anna' })])
        await denied('identity', 'unauthenticated', () => send(message));
    });

    it('refuse a user without one of the roles', async () => {
      expect(await send(new ForClerks(), clerk)).toBe('carl: none');
      await denied('roles', 'forbidden', () => send(new ForClerks(), anna));
    });

    it('refuse a user without all of the scopes, which cross as they are', async () => {
      const scopes = ['desk:write', 'other', 'desk:read', 'ö, "ä"'];
      expect(await send(new ForScopes(), { ...anna, scopes })).toBe(`anna: ${scopes.join(' ')}`);
      await denied('scopes', 'forbidden', () => send(new ForScopes(), { ...anna, scopes: ['desk:read'] }));
      await denied('scopes', 'forbidden', () => send(new ForScopes(), clerk));
      expect(await send(new ForUsers(), { ...anna, scopes: [] })).toBe('anna: ');
    });

    it('refuse a message about another user', async () => {
      expect(await send(new ForOwner({ userId: 'anna' }), anna)).toBe('anna: none');
      await denied('owner', 'forbidden', () => send(new ForOwner({ userId: 'bert' }), anna));
    });
  });
}
