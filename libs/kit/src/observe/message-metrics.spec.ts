import { Registry } from 'prom-client';
import type { Overview } from '../messaging/index.js';
import { MessageMetrics, READ_EVERY_MS, READ_WAIT_MS } from './message-metrics.js';

const NO_TIMERS = { due: 0, overdueMs: null };
const NO_RUNS = { failedRuns: null, runningRuns: 0, oldestRunMs: null };
const NOTHING: Overview = { outbox: { unsent: 0, oldestMs: null }, consumers: [], timers: NO_TIMERS };
const MUCH: Overview = {
  outbox: { unsent: 12, oldestMs: 1_500 },
  consumers: [
    { name: 'mails', kind: 'event', waiting: 7, heldKeys: 1, dead: 2, oldestMs: 2_000, lagMs: 2_500, ...NO_RUNS },
    {
      name: 'checkout',
      kind: 'event',
      waiting: 0,
      heldKeys: 0,
      dead: 0,
      oldestMs: null,
      lagMs: null,
      failedRuns: 3,
      runningRuns: 4,
      oldestRunMs: 61_000,
    },
  ],
  timers: { due: 5, overdueMs: 3_000 },
};

describe('the metrics of messages', () => {
  let now: number;
  let registry: Registry;
  let metrics: MessageMetrics;

  beforeEach(() => {
    now = 0;
    registry = new Registry();
    metrics = new MessageMetrics(() => now);
    metrics.registerIn(registry);
  });

  const samples = async (): Promise<string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line && !line.startsWith('#'));

  it('describe outboxes, consumers and processes, by module', async () => {
    metrics.watch('ordering', () => Promise.resolve(MUCH));
    metrics.watch('catalog', () => Promise.resolve(NOTHING));
    expect(await samples()).toEqual([
      'fledge_outbox_unsent{module="ordering"} 12',
      'fledge_outbox_unsent{module="catalog"} 0',
      'fledge_outbox_oldest_seconds{module="ordering"} 1.5',
      'fledge_outbox_oldest_seconds{module="catalog"} 0',
      'fledge_timers_due{module="ordering"} 5',
      'fledge_timers_due{module="catalog"} 0',
      'fledge_timers_overdue_seconds{module="ordering"} 3',
      'fledge_timers_overdue_seconds{module="catalog"} 0',
      'fledge_inbox_waiting{module="ordering",consumer="mails"} 7',
      'fledge_inbox_waiting{module="ordering",consumer="checkout"} 0',
      'fledge_inbox_lag_seconds{module="ordering",consumer="mails"} 2.5',
      'fledge_inbox_lag_seconds{module="ordering",consumer="checkout"} 0',
      'fledge_dead_letters{module="ordering",consumer="mails"} 2',
      'fledge_dead_letters{module="ordering",consumer="checkout"} 0',
      'fledge_process_failures{module="ordering",process="checkout"} 3',
      'fledge_process_running{module="ordering",process="checkout"} 4',
      'fledge_process_oldest_seconds{module="ordering",process="checkout"} 61',
    ]);
  });

  it('are counted only up to a limit', async () => {
    let asked = 0;
    metrics.watch('ordering', (countMax) => ((asked = countMax), Promise.resolve(NOTHING)));
    await samples();
    expect(asked).toBe(10_000);
  });

  it('are read once per scrape, and not again for a while', async () => {
    let reads = 0;
    metrics.watch('ordering', () => Promise.resolve(++reads === 1 ? MUCH : NOTHING));
    await samples();
    now = READ_EVERY_MS - 1;
    expect(await samples()).toContain('fledge_outbox_unsent{module="ordering"} 12');
    expect(reads).toBe(1);
    now = READ_EVERY_MS;
    expect((await samples()).filter((line) => line.includes('ordering'))).toEqual([
      'fledge_outbox_unsent{module="ordering"} 0',
      'fledge_outbox_oldest_seconds{module="ordering"} 0',
      'fledge_timers_due{module="ordering"} 0',
      'fledge_timers_overdue_seconds{module="ordering"} 0',
    ]);
    expect(reads).toBe(2);
  });

  it('leave out a module whose database is away, and include the others', async () => {
    metrics.watch('ordering', () => Promise.reject(new Error('away')));
    metrics.watch('catalog', () => Promise.resolve(NOTHING));
    expect(await samples()).toEqual([
      'fledge_outbox_unsent{module="catalog"} 0',
      'fledge_outbox_oldest_seconds{module="catalog"} 0',
      'fledge_timers_due{module="catalog"} 0',
      'fledge_timers_overdue_seconds{module="catalog"} 0',
    ]);
  });

  it('do not delay a scrape for a database that hangs, and do not query it again in the meantime', async () => {
    let [reads, end] = [0, (_overview: Overview): void => undefined];
    metrics.watch('ordering', () => (reads++, new Promise<Overview>((resolve) => (end = resolve))));
    const asked = performance.now();
    expect(await samples()).toEqual([]);
    expect(performance.now() - asked).toBeLessThan(READ_WAIT_MS + 1_000);
    now = 2 * READ_EVERY_MS;
    expect(await samples()).toEqual([]);
    expect(reads).toBe(1);
    end(MUCH);
    await Promise.resolve();
    now = 3 * READ_EVERY_MS;
    const scrape = samples();
    end(MUCH);
    expect(await scrape).toContain('fledge_outbox_unsent{module="ordering"} 12');
    expect(reads).toBe(2);
  });
});
