import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { Agent, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { eventually } from '../testing/eventually.js';
import { Admission, ADMITTED_MIN } from './admission.js';

const FIXTURE = fileURLToPath(new URL('../../test/overload.fixture.mjs', import.meta.url));
/** A second, on a machine that is three times slower; without admission, half of all waited for twelve. */
const IN_TIME_MS = 3_000;
const TIMES_PEAK = 3;
/** Fewer than are ever refused. */
const LANES = 16;
/** At first it is not known how much is ended in a second, and what has come by then is late. */
const SETTLING_MS = 2_000;
const MEASURED_MS = 3_000;
/**
 * 80 of 100 is what a machine of its own gives; one that others use gets slower between two measurements, and refusing
 * dearer.
 */
const SHARE_MIN = 0.3;
/** The same machine is not slower at each second measurement. Without admission no round holds. */
const ROUNDS_MAX = 4;

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly sentAt: number;
  readonly tookMs: number;
}

describe('admission', () => {
  let child: ChildProcess;
  let url: string;
  const agent = new Agent({ keepAlive: true });
  afterEach(() => void child?.kill('SIGKILL'));
  afterAll(() => agent.destroy());

  async function start(how: string): Promise<void> {
    child = spawn(process.execPath, ['--no-warnings', FIXTURE, how], {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [port] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    url = `http://127.0.0.1:${Number(port.toString())}`;
  }

  const ask = (path: string): Promise<Answer> => {
    const sentAt = performance.now();
    return new Promise((resolve, reject) => {
      const request = get(`${url}${path}`, { agent }, (response) => {
        response.resume().once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            retryAfter: response.headers['retry-after'],
            sentAt,
            tookMs: performance.now() - sentAt,
          }),
        );
      });
      request.once('error', reject);
    });
  };

  /** How many it answers in a second when a few clients each wait for their answer, once it is warm. */
  async function peak(): Promise<number> {
    await inLanes(0, 50);
    const from = performance.now();
    const answered = await inLanes(from + 1_500, 50);
    return answered / ((performance.now() - from) / 1_000);
  }

  /** Asks until then, and so many times at least. */
  async function inLanes(until: number, least: number): Promise<number> {
    let answered = 0;
    const lane = async (): Promise<void> => {
      while (performance.now() < until || answered < least) {
        await ask('/work');
        answered++;
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return answered;
  }

  /** Sends at a steady rate, whether or not earlier ones have been answered. */
  async function flood(perSecond: number, ms: number): Promise<Answer[]> {
    const from = performance.now();
    const answers: Promise<Answer>[] = [];
    while (performance.now() - from < ms) {
      while (answers.length < ((performance.now() - from) * perSecond) / 1_000) answers.push(ask('/work'));
      await sleep(5);
    }
    return Promise.all(answers);
  }

  /**
   * Which share of its peak is answered in time under a multiple of it, and how long four of five answers took at the
   * most.
   */
  async function overload(): Promise<{ share: number; mostTookMs: number }> {
    const peakPerSecond = await peak();
    const flooding = flood(TIMES_PEAK * peakPerSecond, SETTLING_MS + MEASURED_MS);
    await sleep(SETTLING_MS);
    const settledAt = performance.now();
    expect((await ask('/healthz')).status).toBe(200);
    const answers = (await flooding).filter(({ sentAt }) => sentAt >= settledAt);
    expect(new Set(answers.map(({ status, retryAfter }) => `${status} ${retryAfter}`))).toEqual(
      new Set(['200 undefined', '503 1']),
    );
    const inTime = answers.filter(({ status, tookMs }) => status === 200 && tookMs < IN_TIME_MS).length;
    const times = answers.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
    return {
      share: inTime / (peakPerSecond * (MEASURED_MS / 1_000)),
      mostTookMs: times[Math.floor(times.length * 0.8)] ?? Infinity,
    };
  }

  // Without it they waited for each other, on connections that nobody had accepted.
  it.each(['at-once', 'later'])(
    'under three times the load answers nearly as much in time as without, and refuses the rest at once: work %s',
    async (how) => {
      await start(how);
      let { share, mostTookMs } = await overload();
      for (let round = 2; round <= ROUNDS_MAX && (share <= SHARE_MIN || mostTookMs >= IN_TIME_MS); round++)
        ({ share, mostTookMs } = await overload());
      expect(share).toBeGreaterThan(SHARE_MIN);
      expect(mostTookMs).toBeLessThan(IN_TIME_MS);
    },
    180_000,
  );

  it('refuses nothing of what waits for something else than this process', async () => {
    let taken = 0;
    const admission = new Admission(() => undefined);
    for (let i = 0; i < 20 * ADMITTED_MIN; i++) {
      admission.enter(() => taken++, {} as IncomingMessage, new EventEmitter() as ServerResponse);
      if (i % ADMITTED_MIN === 0) await sleep(20);
    }
    expect(taken).toBe(20 * ADMITTED_MIN);
  });

  it('does not count what goes on for long, as a stream of events does, as work that waits', async () => {
    let refused = 0;
    const admission = new Admission(() => refused++);
    const enter = (): ServerResponse => {
      const response = new EventEmitter() as ServerResponse;
      admission.enter(() => undefined, {} as IncomingMessage, response);
      return response;
    };
    for (let i = 0; i < 4 * ADMITTED_MIN; i++) enter();
    // busy without a pause, with one short request at a time; they are refused until the streams are old
    const shortOnes = async (count: number): Promise<number> => {
      const before = refused;
      for (let i = 0; i < count; i++) {
        for (const until = performance.now() + 20; performance.now() < until;);
        enter().emit('close');
        await new Promise((resolve) => setImmediate(resolve));
      }
      return refused - before;
    };
    expect(await shortOnes(60)).toBeGreaterThan(0);
    await eventually(async () => (await shortOnes(20)) === 0, 'requests that are taken beside streams', 15_000);
    expect(await shortOnes(50)).toBe(0);
  }, 30_000);
});
