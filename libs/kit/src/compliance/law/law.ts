import { CommandBus, type ICommand, QueryBus } from '@nestjs/cqrs';
import { ModuleRef } from '@nestjs/core';
import type { INestApplication } from '@nestjs/common';
import { withCallOptions } from '@fledge/kit';
import {
  BoundaryCallInTransaction,
  CallCancelled,
  type Class,
  DeadlineExceeded,
  FledgeError,
  InvalidMessage,
  ModuleFault,
  ModuleUnavailable,
  UndeclaredDependency,
} from '@fledge/kit/contract';
import { eventually } from '../../testing/index.js';
import { CallContext, now, runInContext, runInTransaction } from '../../boundary/index.js';
import { describeAccess } from './access.js';
import { describeActors } from './actors.js';
import { LAW_CALLER_MAX, LAW_IN_FLIGHT_MAX } from './application.js';
import { Relay } from './caller.module.js';
import { describeContexts } from './contexts.js';
import { describeForms } from './forms.js';
import { describeLimits } from './limits.js';
import {
  Echo,
  Echoed,
  Fail,
  FindPart,
  FindParts,
  FindWord,
  GiveNumber,
  Hasty,
  Keep,
  ListFlags,
  ListNumbers,
  ListParts,
  ListWords,
  Look,
  Misspell,
  Part,
  Refused,
  Work,
  WorkLog,
} from './target.contract.js';
import { foreignState, WORDS } from './target.module.js';
import type { LawWorld } from './world.js';

async function failureOf(promise: Promise<unknown>): Promise<FledgeError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof FledgeError) return error;
    throw error;
  }
  throw new Error('the call did not fail');
}

function parts(...counts: number[]): Part[] {
  return counts.map((count, i) => Object.assign(new Part(), { name: `p${i}`, count }));
}

/** The parity law, sentence by sentence, for one way of running the modules. */
export function describeLaw(name: string, start: () => Promise<LawWorld>): void {
  describe(`the parity law: ${name}`, () => {
    let world: LawWorld;
    let commands: CommandBus;
    let queries: QueryBus;

    beforeAll(async () => {
      world = await start();
      commands = world.module('caller').get(CommandBus);
      queries = world.module('caller').get(QueryBus);
    });
    afterAll(() => world?.stop());

    const anyEcho = () => new Echo({ at: new Date(0), parts: parts(1) });
    const logOf = (id: string) => queries.execute(new WorkLog({ id }));

    describe('arguments and results', () => {
      it('are copied, never shared', async () => {
        const message = new Echo({ at: new Date(1_000), parts: parts(1, 2) });
        const pending = commands.execute(message);
        (message.parts[0] as Part).count = 999;
        message.at.setTime(0);
        const echoed = await pending;
        expect(echoed.parts.map((p) => p.count)).toEqual([1, 2]);
        expect(echoed.at).toEqual(new Date(1_000));
        expect((message.parts[1] as Part).count).toBe(2);
      });

      it('are real instances of the contract on both sides', async () => {
        const echoed = await commands.execute(anyEcho());
        expect(echoed).toBeInstanceOf(Echoed);
        expect(echoed.at).toBeInstanceOf(Date);
        expect(echoed.parts[0]).toBeInstanceOf(Part);
        expect((echoed.parts[0] as Part).describe()).toBe('1 of p0');
        expect(echoed.sawInstances).toBe(true);
      });

      it('keep absent and null apart', async () => {
        expect('note' in (await commands.execute(anyEcho()))).toBe(false);
        expect((await commands.execute(new Echo({ at: new Date(), parts: [], note: null }))).note).toBeNull();
      });

      it('carry text of every kind unchanged', async () => {
        const note = 'ß \u0000 \u2028 😀 \ud800 "\\" ' + 'é'.repeat(5_000);
        expect((await commands.execute(new Echo({ at: new Date(), parts: [], note }))).note).toBe(note);
      });

      it('carry a list, a number, and nothing', async () => {
        const list = await queries.execute(new ListParts({ count: 3 }));
        expect(list).toHaveLength(3);
        expect(list[2]).toBeInstanceOf(Part);
        expect(Object.is(await queries.execute(new GiveNumber()), 0)).toBe(true);
        expect(await commands.execute(new Work({ id: 'void', ms: 0 }))).toBeUndefined();
      });

      it('carry null where the contract says so, and take undefined for it', async () => {
        expect(await queries.execute(new FindPart({ what: 'some' }))).toEqual(
          Object.assign(new Part(), { name: 'found', count: 1 }),
        );
        expect(await queries.execute(new FindParts({ what: 'some' }))).toHaveLength(1);
        expect(await queries.execute(new FindWord({ what: 'some' }))).toBe('null');
        for (const what of ['null', 'undefined'] as const) {
          expect(await queries.execute(new FindPart({ what }))).toBeNull();
          expect(await queries.execute(new FindParts({ what }))).toBeNull();
          expect(await queries.execute(new FindWord({ what }))).toBeNull();
        }
        for (const message of [
          new FindPart({ what: 'wrong' }),
          new FindParts({ what: 'wrong' }),
          new FindWord({ what: 'wrong' }),
        ])
          expect(await failureOf(queries.execute(message as FindPart))).toBeInstanceOf(ModuleFault);
      });

      it('carry free JSON as it is', async () => {
        const json = { list: [1, null, { deep: ['ß', '\ud800'] }], constructor: false };
        const pending = commands.execute(new Keep({ json }));
        (json.list[2] as { deep: string[] }).deep.push('later');
        expect((await pending).json).toEqual({ list: [1, null, { deep: ['ß', '\ud800'] }], constructor: false });
        expect((await commands.execute(new Keep({ json: null }))).json).toBeNull();
        const refused = await failureOf(commands.execute(new Keep({ json: { at: new Date() as never } })));
        expect((refused as InvalidMessage).violations).toMatchObject([{ path: 'json.at', rule: 'type' }]);
      });

      it('carry lists of primitives', async () => {
        const words = await queries.execute(new ListWords());
        expect(words).toEqual(WORDS);
        // and copies, as of anything
        words.push('more');
        expect(WORDS).toHaveLength(3);
        const numbers = await queries.execute(new ListNumbers({ sound: true }));
        expect(numbers).toEqual([0, 1.5, Number.MAX_SAFE_INTEGER]);
        expect(await failureOf(queries.execute(new ListNumbers({ sound: false })))).toBeInstanceOf(ModuleFault);
        expect(await queries.execute(new ListFlags())).toEqual([true, false]);
      });

      it.each<[string, () => Echo]>([
        ['a function', () => new Echo({ at: new Date(), parts: [], note: (() => 'x') as never })],
        ['a bigint', () => new Echo({ at: new Date(), parts: [Object.assign(new Part(), { name: 'x', count: 1n })] })],
        ['a map', () => new Echo({ at: new Date(), parts: new Map() as never })],
        ['NaN', () => new Echo({ at: new Date(), parts: parts(NaN) })],
        ['an invalid date', () => new Echo({ at: new Date(NaN), parts: [] })],
        ['an instance it does not name', () => new Echo({ at: new Date(), parts: [new Error('x') as never] })],
        ['a field it does not name', () => Object.assign(anyEcho(), { extra: 1 })],
      ])('refuse %s', async (_, message) => {
        const error = await failureOf(commands.execute(message()));
        expect(error).toBeInstanceOf(InvalidMessage);
        expect(error.outcome).toBe('rejected');
      });

      it('refuse a message that is too large, the same everywhere', async () => {
        const error = await failureOf(
          commands.execute(new Echo({ at: new Date(), parts: [], note: 'x'.repeat(170_000) })),
        );
        expect(error).toBeInstanceOf(InvalidMessage);
        expect((error as InvalidMessage).violations[0]).toMatchObject({ rule: 'too-large' });
        const most = 'x'.repeat(160_000);
        expect((await commands.execute(new Echo({ at: new Date(), parts: [], note: most }))).note).toHaveLength(
          160_000,
        );
      });
    });

    describeForms(() => world);

    describe('what is no message', () => {
      // Each was a bare TypeError or an error of @nestjs/cqrs, one thrown and the other not.
      it.each<[string, unknown, string]>([
        ['nothing', undefined, 'undefined'],
        ['null', null, 'null'],
        ['a plain object', { at: new Date() }, 'a plain object'],
        ['an object without a prototype', Object.create(null), 'a plain object'],
        ['a list', [anyEcho()], 'a list'],
        ['a text', 'target.echo.v1', 'a string'],
        ['the class', Echo, 'the class or function Echo itself'],
      ])('is refused: %s', async (_, given, named) => {
        for (const [call, bus] of [
          ['commandBus.execute', commands],
          ['queryBus.execute', queries],
        ] as const) {
          const error = await failureOf((bus as CommandBus).execute(given as ICommand));
          expect(error).toMatchObject({
            code: 'fledge.not-a-message',
            outcome: 'not-run',
            message: `caller called ${call} with ${named}, which is no message`,
          });
          expect(error.hint).toContain(`${call}(new `);
        }
      });

      it('is refused: an instance of a class of no contract and with no handler', async () => {
        class Unknown {}
        class EchoLike extends Echo {}
        expect(await failureOf(commands.execute(new Unknown()))).toMatchObject({
          code: 'fledge.no-handler',
          outcome: 'not-run',
          message:
            'caller called commandBus.execute with an instance of Unknown, which belongs to no contract and has no handler in caller',
        });
        expect(await failureOf(queries.execute(new Unknown() as never))).toMatchObject({
          code: 'fledge.no-handler',
          hint: expect.stringContaining('@QueryHandler(Unknown)') as string,
        });
        expect((await failureOf(commands.execute(new EchoLike({ at: new Date(), parts: [] })))).hint).toBe(
          'Pass an instance of Echo itself: a class that extends one of a contract is not of the contract.',
        );
      });
    });

    describe('validation', () => {
      it('comes back typed, with the paths of all violations', async () => {
        const error = await failureOf(
          commands.execute(new Echo({ at: new Date(), parts: [...parts(1, 0), { name: 5, count: 1 } as never] })),
        );
        expect(error).toBeInstanceOf(InvalidMessage);
        expect((error as InvalidMessage).violations.map((v) => v.path)).toContain('parts[2].name');
        const constraint = await failureOf(commands.execute(new Echo({ at: new Date(), parts: parts(1, 0) })));
        expect((constraint as InvalidMessage).violations).toEqual([
          { path: 'parts[1].count', rule: 'min', message: 'count must not be less than 1' },
        ]);
      });
    });

    // For their use with code of another version, see rolling.spec.ts.
    describe('unknown fields, of a contract that is open to them,', () => {
      const part = () => parts(1)[0] as Part;

      it('are refused with their paths in what a caller passes', async () => {
        expect(await commands.execute(new Misspell({ what: 'nothing', part: part() }))).toEqual(part());
        const misspelt = Object.assign(new Misspell({ what: 'nothing', part: Object.assign(part(), { nmae: 'x' }) }), {
          waht: 'x',
        });
        const error = await failureOf(commands.execute(misspelt));
        expect(error).toBeInstanceOf(InvalidMessage);
        expect((error as InvalidMessage).violations.map(({ path, rule }) => `${path} ${rule}`)).toEqual([
          'waht unknown-field',
          'part.nmae unknown-field',
        ]);
      });

      it.each(['result', 'error'] as const)('are a fault of the module in what its handler makes: %s', async (what) => {
        const error = await failureOf(commands.execute(new Misspell({ what, part: part() })));
        expect(error).toBeInstanceOf(ModuleFault);
        expect(JSON.stringify(error.data)).not.toContain('inner');
      });
    });

    describe('errors', () => {
      it('arrive as their own class with their fields when declared', async () => {
        const error = await failureOf(commands.execute(new Fail({ how: 'declared' })));
        expect(error).toBeInstanceOf(Refused);
        expect(error).toMatchObject({
          message: 'refused above 3',
          limit: 3,
          kind: 'conflict',
          code: 'target.refused.v1',
          outcome: 'rejected',
          hint: 'Ask for less.',
        });
        expect((error as Refused).since).toEqual(new Date(5_000));
        expect(error.stack).toContain('Refused: refused above 3');
      });

      it.each(['undeclared', 'plain', 'synchronous', 'not-an-error', 'bad-result', 'foreign-kit-error'] as const)(
        'arrive as a fault without inner text: %s',
        async (how) => {
          const error = await failureOf(commands.execute(new Fail({ how })));
          expect(error).toBeInstanceOf(ModuleFault);
          expect(error).toMatchObject({ module: 'target', outcome: 'unknown', kind: 'internal' });
          expect((error as ModuleFault).correlationId).toMatch(/^[0-9a-f]{32}$/);
          expect(`${error.message} ${JSON.stringify(error.data)}`).not.toContain('inner');
        },
      );

      // They arrived as faults, which must not be retried.
      it.each([
        ['deadlock', 'rejected'],
        ['lost-connection', 'unknown'],
        ['lost-commit', 'unknown'],
      ] as const)(
        'say that the database of the peer broke off what it did, which may be tried again: %s',
        async (how, outcome) => {
          const error = await failureOf(commands.execute(new Fail({ how })));
          expect(error).toBeInstanceOf(ModuleUnavailable);
          expect(error).toMatchObject({
            module: 'target',
            contract: 'target.fail.v1',
            reason: 'database',
            kind: 'unavailable',
            outcome,
          });
          expect(`${error.message} ${JSON.stringify(error.data)}`).not.toContain('inner');
        },
      );

      it('say that an overloaded peer never ran it, and at once', async () => {
        const front = world.module('front').get(CommandBus);
        const load = Array.from({ length: LAW_IN_FLIGHT_MAX }, (_, i) =>
          (i < LAW_CALLER_MAX ? commands : front).execute(new Work({ id: `load ${i}`, ms: 1_500 })),
        );
        await eventually(
          async () =>
            (await failureOf(
              commands
                .execute(new Work({ id: 'probe', ms: 0 }))
                .then(() => Promise.reject(new CallCancelled('', '', 'not-run'))),
            )) instanceof ModuleUnavailable,
          'overload',
          1_400,
        );
        const from = performance.now();
        const error = await failureOf(commands.execute(new Work({ id: 'too much', ms: 0 })));
        expect(error).toBeInstanceOf(ModuleUnavailable);
        expect(error).toMatchObject({ outcome: 'not-run', reason: 'overloaded' });
        expect(performance.now() - from).toBeLessThan(500);
        await Promise.all(load);
        expect(await logOf('too much')).toBe('');
      });
    });

    describe('timing', () => {
      it('never throws synchronously', async () => {
        let promise: Promise<unknown> | undefined;
        expect(() => (promise = commands.execute({ nonsense: true } as never))).not.toThrow();
        await expect(promise).rejects.toThrow();
        expect(() => (promise = commands.execute(undefined as never))).not.toThrow();
        await expect(promise).rejects.toThrow();
        expect(() => (promise = commands.execute(Object.assign(anyEcho(), { at: 'x' })))).not.toThrow();
        await expect(promise).rejects.toThrow(InvalidMessage);
      });

      it("ends a call at its contract's deadline, saying that it may have run", async () => {
        const from = performance.now();
        const error = await failureOf(commands.execute(new Hasty({ id: 'hasty' })));
        expect(error).toBeInstanceOf(DeadlineExceeded);
        expect(error.outcome).toBe('unknown');
        expect(performance.now() - from).toBeGreaterThanOrEqual(95);
        expect(performance.now() - from).toBeLessThan(900);
        expect(await logOf('hasty')).toBe('started');
      });

      it('does not start what is already too late', async () => {
        const error = await failureOf(
          withCallOptions({ deadlineMs: 0 }, () => commands.execute(new Work({ id: 'late', ms: 0 }))),
        );
        expect(error).toBeInstanceOf(DeadlineExceeded);
        expect(error.outcome).toBe('not-run');
        expect(await logOf('late')).toBe('');
      });

      it('shrinks the deadline from hop to hop', async () => {
        const front = world.module('front').get(CommandBus);
        const direct = await front.execute(new Relay({ workMs: 0 }));
        expect(direct).toBeGreaterThan(1_000);
        expect(direct).toBeLessThanOrEqual(2_000);
        const later = await front.execute(new Relay({ workMs: 1_500 }));
        expect(later).toBeLessThanOrEqual(1_500);
        const tight = await failureOf(
          withCallOptions({ deadlineMs: 300 }, () => front.execute(new Relay({ workMs: 2_000 }))),
        );
        expect(tight).toBeInstanceOf(DeadlineExceeded);
        await eventually(
          async () => (await logOf('relayed')).endsWith('aborted'),
          'the end of the work behind two boundaries',
        );
      });
    });

    describe('context', () => {
      const inFrame = <R>(fn: () => R, key?: string): R =>
        runInContext(
          new CallContext(
            'caller',
            'http',
            now() + 1_000,
            { subject: 'u-1', roles: ['staff', 'böse\r\n, "rolle"'] },
            '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
            key,
          ),
          fn,
        );

      it('carries identity, deadline, trace and idempotency key', async () => {
        const seen = await inFrame(() => queries.execute(new Look()), 'k\r\n: é');
        expect(seen).toMatchObject({
          caller: 'caller',
          subject: 'u-1',
          roles: ['staff', 'böse\r\n, "rolle"'],
          correlationId: '0af7651916cd43dd8448eb211c80319c',
          idempotencyKey: 'k\r\n: é',
        });
        expect(seen.traceparent).toContain('0af7651916cd43dd8448eb211c80319c');
        expect(seen.timeLeftMs).toBeLessThanOrEqual(1_000);
        expect(seen.timeLeftMs).toBeGreaterThan(500);
      });

      it('carries nothing else', async () => {
        const seen = await foreignState.run('mine', () => queries.execute(new Look()));
        expect(seen.sawForeignState).toBe(false);
        expect(seen.subject).toBeUndefined();
      });

      it('comes back to the caller as it was', async () => {
        await foreignState.run('mine', async () => {
          await queries.execute(new Look());
          expect(foreignState.getStore()).toBe('mine');
        });
      });

      it('carries cancellation to the handler', async () => {
        const controller = new AbortController();
        const call = withCallOptions({ signal: controller.signal }, () =>
          commands.execute(new Work({ id: 'cancelled', ms: 4_000 })),
        );
        await eventually(async () => (await logOf('cancelled')) === 'started', 'the start of the work');
        controller.abort();
        const error = await failureOf(call);
        expect(error).toBeInstanceOf(CallCancelled);
        expect(error.outcome).toBe('unknown');
        await eventually(async () => (await logOf('cancelled')) === 'started aborted', 'the abort of the work', 2_000);
      });
    });

    describeContexts(() => world);
    describeAccess(() => world);
    describeLimits(() => world);
    describeActors(() => world);

    describe('who may call', () => {
      it.each<[string, (app: INestApplication) => { execute(message: ICommand): Promise<unknown> }]>([
        ['an injected bus', (app) => app.get(CommandBus)],
        ['ModuleRef with strict: false', (app) => app.get(ModuleRef).get(CommandBus, { strict: false })],
      ])('refuses a contract that is not declared, by %s', async (_, busOf) => {
        const error = await failureOf(busOf(world.module('stranger')).execute(anyEcho()));
        expect(error).toBeInstanceOf(UndeclaredDependency);
        expect(error).toMatchObject({ caller: 'stranger', contract: 'target.echo.v1', outcome: 'not-run' });
      });

      it("keeps a module's providers out of the others' reach", () => {
        const inject = (token: string) => () => world.module('stranger').get(ModuleRef).get(token, { strict: false });
        expect(inject('EchoHandler')).toThrow();
        const caller: Class = world.module('caller').constructor as Class;
        expect(caller).toBeDefined();
        expect(inject('RelayHandler')).toThrow();
      });
    });

    it('refuses a boundary call in an open transaction', async () => {
      const open = { owner: {}, manager: {} };
      const error = await failureOf(
        runInTransaction(open, () => commands.execute(new Work({ id: 'in transaction', ms: 0 }))),
      );
      expect(error).toBeInstanceOf(BoundaryCallInTransaction);
      expect(error).toMatchObject({ caller: 'caller', contract: 'target.work.v1', outcome: 'not-run' });
      expect(await logOf('in transaction')).toBe('');
    });
  });
}
