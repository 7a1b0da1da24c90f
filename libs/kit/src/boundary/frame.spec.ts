import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { currentFrame, Frame, runBehindWall, runInFrame } from './frame.js';

const frameOf = (module: string): Frame => new Frame(module, 'test', Infinity, undefined, undefined, undefined);
const [request, outer, inner] = [frameOf('request'), frameOf('outer'), frameOf('inner')];
const behindWall = (frame: Frame, execute: () => unknown): unknown => runBehindWall(frame, { execute }, {});

describe('a frame', () => {
  it('has a trace and a span of its own, however many there are', () => {
    const traces = Array.from({ length: 2_000 }, () => frameOf('many').traceparent);
    for (const trace of traces) expect(trace).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(new Set(traces.flatMap((trace) => trace.split('-').slice(1, 3))).size).toBe(4_000);
  });

  it('is there for what runs in it, and the one around it again when that has returned or thrown', () => {
    const seen: (Frame | undefined)[] = [];
    const look = (): number => seen.push(currentFrame());
    runInFrame(request, () => {
      behindWall(outer, () => {
        look();
        behindWall(inner, look);
        look();
        expect(() => behindWall(inner, () => { throw new Error('no'); })).toThrow('no');
        look();
      });
      look();
    });
    look();
    expect(seen.map((frame) => frame?.module)).toEqual(['outer', 'inner', 'outer', 'outer', 'request', undefined]);
  });

  it('stays with what is awaited, beside others', async () => {
    const work = (frame: Frame): unknown =>
      behindWall(frame, async () => {
        const seen: (string | undefined)[] = [];
        const look = (): number => seen.push(currentFrame()?.module);
        await turn();
        look();
        await behindWall(frameOf(`${frame.module} within`), async () => {
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
    expect(currentFrame()).toBeUndefined();
  });

  // before Node 24, what a handler entered was found by every later one
  it('sees nothing of the async-local state of its caller, who keeps it', async () => {
    const others = new AsyncLocalStorage<string>();
    await others.run('of the caller', async () => {
      const within = await behindWall(outer, async () => {
        const atOnce = others.getStore();
        others.enterWith('of the handler');
        await turn();
        return [atOnce, others.getStore()];
      });
      expect(within).toEqual([undefined, 'of the handler']);
      expect(others.getStore()).toBe('of the caller');
    });
    expect(behindWall(inner, () => others.getStore())).toBeUndefined();
  });
});
