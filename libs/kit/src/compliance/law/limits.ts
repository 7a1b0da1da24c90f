import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ModuleUnavailable } from '@fledge/kit/contract';
import { eventually } from '../../testing/index.js';
import { LAW_CALLER_MAX } from './application.js';
import { Hasty, Look, Work, WorkLog } from './target.contract.js';
import type { LawWorld } from './world.js';

/** A refusal is an answer at once: this is far below every deadline, and above what a slow machine needs. */
const AT_ONCE_MS = 500;

/** The sentences of the law about what one caller may take, and about modules that do not answer. */
export function describeLimits(world: () => LawWorld): void {
  describe('limits of calls', () => {
    const commandsOf = (caller: string) => world().module(caller).get(CommandBus);
    const logOf = (id: string) => world().module('front').get(QueryBus).execute(new WorkLog({ id }));
    const failure = (promise: Promise<unknown>) =>
      promise.then(
        () => undefined,
        (error: unknown) => error,
      );

    it('leave a part of the places of a module to other callers, however much one asks for', async () => {
      const load = Array.from({ length: LAW_CALLER_MAX }, (_, i) =>
        commandsOf('caller').execute(new Work({ id: `share ${i}`, ms: 1_500 })),
      );
      await eventually(
        async () => (await logOf(`share ${LAW_CALLER_MAX - 1}`)) !== '',
        'all work of one caller has begun',
        1_400,
      );
      const refused = await failure(commandsOf('caller').execute(new Work({ id: 'beyond the share', ms: 0 })));
      expect(refused).toBeInstanceOf(ModuleUnavailable);
      expect(refused).toMatchObject({ reason: 'overloaded', outcome: 'not-run' });
      expect(await failure(commandsOf('front').execute(new Work({ id: 'of another', ms: 0 })))).toBeUndefined();
      await Promise.all(load);
      expect(await logOf('beyond the share')).toBe('');
    });

    it('end at once, while a module does not answer, and begin again by themselves', async () => {
      const silent = async () => {
        const load = Array.from({ length: 10 }, () => failure(commandsOf('front').execute(new Hasty({ id: 'mute' }))));
        return (await Promise.all(load)).some(isOpen);
      };
      await eventually(silent, 'the circuit is open', 20_000);
      const from = performance.now();
      const refused = await failure(commandsOf('front').execute(new Work({ id: 'while it is open', ms: 0 })));
      expect(refused).toBeInstanceOf(ModuleUnavailable);
      expect(refused).toMatchObject({ module: 'target', reason: 'circuit-open', outcome: 'not-run' });
      expect(performance.now() - from).toBeLessThan(AT_ONCE_MS);
      // another caller has a circuit of its own
      expect(await failure(world().module('caller').get(QueryBus).execute(new Look()))).toBeUndefined();
      const works = async () =>
        (await failure(world().module('front').get(QueryBus).execute(new Look()))) === undefined;
      await eventually(works, 'the circuit is closed', 20_000);
      expect(await works()).toBe(true);
      expect(await logOf('while it is open')).toBe('');
    });
  });
}

function isOpen(error: unknown): boolean {
  return error instanceof ModuleUnavailable && error.reason === 'circuit-open';
}
