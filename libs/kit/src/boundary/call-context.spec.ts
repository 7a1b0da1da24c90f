import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { currentContext, CallContext, runIsolated, runInContext } from './call-context.js';

const contextOf = (module: string): CallContext =>
  new CallContext(module, 'test', Infinity, undefined, undefined, undefined);
const [request, outer, inner] = [contextOf('request'), contextOf('outer'), contextOf('inner')];
const isolated = (context: CallContext, execute: () => unknown): unknown => runIsolated(context, { execute }, {});

describe('a context', () => {
  it('has its own trace and span, however many contexts there are', () => {
    const traces = Array.from({ length: 2_000 }, () => contextOf('many').traceparent);
    for (const trace of traces) expect(trace).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(new Set(traces.flatMap((trace) => trace.split('-').slice(1, 3))).size).toBe(4_000);
  });

  it('applies to what runs in it, and the outer context applies again when that has returned or thrown', () => {
    const seen: (CallContext | undefined)[] = [];
    const look = (): number => seen.push(currentContext());
    runInContext(request, () => {
      isolated(outer, () => {
        look();
        isolated(inner, look);
        look();
        expect(() =>
          isolated(inner, () => {
            throw new Error('no');
          }),
        ).toThrow('no');
        look();
      });
      look();
    });
    look();
    expect(seen.map((context) => context?.module)).toEqual(['outer', 'inner', 'outer', 'outer', 'request', undefined]);
  });

  it('stays with what is awaited, alongside other contexts', async () => {
    const work = (context: CallContext): unknown =>
      isolated(context, async () => {
        const seen: (string | undefined)[] = [];
        const look = (): number => seen.push(currentContext()?.module);
        await turn();
        look();
        await isolated(contextOf(`${context.module} within`), async () => {
          await turn();
          look();
        });
        look();
        return seen;
      });
    expect(await Promise.all([work(outer), work(inner)])).toEqual([
      ['outer', 'outer within', 'outer'],
      ['inner', 'inner within', 'inner'],
    ]);
    expect(currentContext()).toBeUndefined();
  });

  // before Node 24, every later handler saw what a handler had entered
  it('does not see the async-local state of its caller, who keeps it', async () => {
    const others = new AsyncLocalStorage<string>();
    await others.run('of the caller', async () => {
      const within = await isolated(outer, async () => {
        const atOnce = others.getStore();
        others.enterWith('of the handler');
        await turn();
        return [atOnce, others.getStore()];
      });
      expect(within).toEqual([undefined, 'of the handler']);
      expect(others.getStore()).toBe('of the caller');
    });
    expect(isolated(inner, () => others.getStore())).toBeUndefined();
  });
});
