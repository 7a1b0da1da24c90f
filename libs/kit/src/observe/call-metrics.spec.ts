import { Registry } from 'prom-client';
import type { CallOutcome } from '../boundary/index.js';
import { CallMetrics } from './index.js';

const LABELS = { caller: 'ordering', module: 'inventory', message: 'inventory.reserve-stock.v1', transport: 'local' };

describe('the metrics of calls', () => {
  let registry: Registry;
  let metrics: CallMetrics;

  beforeEach(() => {
    registry = new Registry();
    metrics = new CallMetrics();
    metrics.registerIn(registry);
  });

  it('name a call by caller, module, message, transport and outcome', async () => {
    metrics.meter(LABELS).record('ok', 3);
    const lines = await samples();
    expect(
      lines.get(
        'fledge_call_duration_seconds_count{caller="ordering",module="inventory",message="inventory.reserve-stock.v1",transport="local",outcome="ok"}',
      ),
    ).toBe(1);
    expect(new Set([...lines.keys()].map((line) => line.replace(/\{.*/, '')))).toEqual(
      new Set([
        'fledge_call_duration_seconds_bucket',
        'fledge_call_duration_seconds_sum',
        'fledge_call_duration_seconds_count',
      ]),
    );
  });

  it('count in cumulative buckets, with inclusive bounds', async () => {
    const meter = metrics.meter(LABELS);
    for (const durationMs of [0, 0.01, 0.011, 2.5, 2.6, 10_000, 10_001]) meter.record('ok', durationMs);
    expect(await buckets('ok')).toEqual([
      ['0.00001', 2],
      ['0.0001', 3],
      ['0.001', 3],
      ['0.0025', 4],
      ['0.005', 5],
      ['0.01', 5],
      ['0.025', 5],
      ['0.05', 5],
      ['0.1', 5],
      ['0.25', 5],
      ['0.5', 5],
      ['1', 5],
      ['2.5', 5],
      ['5', 5],
      ['10', 6],
      ['+Inf', 7],
    ]);
    expect(await sample('count', 'ok')).toBe(7);
  });

  it('sum up in seconds, although they are recorded in milliseconds', async () => {
    const meter = metrics.meter(LABELS);
    meter.record('ok', 250);
    meter.record('ok', 1_000);
    expect(await sample('sum', 'ok')).toBeCloseTo(1.25);
  });

  it('keep the outcomes separate', async () => {
    const outcomes: CallOutcome[] = [
      'ok',
      'declared-error',
      'invalid',
      'fault',
      'unavailable',
      'deadline',
      'cancelled',
      'refused',
    ];
    const meter = metrics.meter(LABELS);
    outcomes.forEach((outcome, times) => {
      for (let i = 0; i <= times; i++) meter.record(outcome, 1);
    });
    expect(await Promise.all(outcomes.map((outcome) => sample('count', outcome)))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('have no series before the first call', async () => {
    const meter = metrics.meter(LABELS);
    expect(await samples()).toEqual(new Map());
    meter.record('deadline', 2_000);
    expect(await sample('count', 'ok')).toBeUndefined();
    expect(await sample('count', 'deadline')).toBe(1);
  });

  it('give each caller, message and transport one meter', async () => {
    expect(metrics.meter({ ...LABELS })).toBe(metrics.meter(LABELS));
    metrics.meter(LABELS).record('ok', 1);
    metrics.meter({ ...LABELS, transport: 'nats' }).record('ok', 1);
    metrics.meter({ ...LABELS, caller: 'shipping' }).record('ok', 1);
    expect([...(await samples()).keys()].filter((line) => line.includes('_count'))).toHaveLength(3);
  });

  it('can be reset, and keep counting for code that holds a meter', async () => {
    const meter = metrics.meter(LABELS);
    meter.record('ok', 1);
    registry.resetMetrics();
    expect(await samples()).toEqual(new Map());
    meter.record('ok', 1);
    expect(await sample('count', 'ok')).toBe(1);
  });

  async function samples(): Promise<Map<string, number>> {
    const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    );
  }

  async function sample(kind: 'sum' | 'count', outcome: CallOutcome): Promise<number | undefined> {
    const found = [...(await samples())].find(
      ([line]) => line.startsWith(`fledge_call_duration_seconds_${kind}{`) && line.includes(`outcome="${outcome}"`),
    );
    return found?.[1];
  }

  async function buckets(outcome: CallOutcome): Promise<(readonly [string, number])[]> {
    return [...(await samples())]
      .filter(([line]) => line.includes('_bucket{') && line.includes(`outcome="${outcome}"`))
      .map(([line, count]) => [/,le="([^"]+)"/.exec(line)?.[1] ?? '', count] as const);
  }
});
