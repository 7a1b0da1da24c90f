import type { MetricObjectWithValues, MetricValueWithName, Registry } from 'prom-client';
import type { CallMeter, CallOutcome } from '../boundary/index.js';

/** Upper bounds of the buckets of call durations, in seconds. */
const BOUNDS_S = [0.00001, 0.0001, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const BOUNDS_MS = BOUNDS_S.map((s) => s * 1_000);

const NAME = 'fledge_call_duration_seconds';
const HELP = 'Duration of calls between modules, at the caller, in seconds.';

type Value = MetricValueWithName<string>;

interface Labels {
  readonly caller: string;
  readonly module: string;
  readonly message: string;
  readonly transport: string;
}

/** One series: counts per bucket in a typed array, so that recording allocates nothing. */
class Series {
  readonly counts = new Float64Array(BOUNDS_MS.length + 1);
  sumMs = 0;

  get isEmpty(): boolean {
    return this.counts.every((count) => count === 0);
  }

  clear(): void {
    this.counts.fill(0);
    this.sumMs = 0;
  }

  record(durationMs: number): void {
    let i = 0;
    while (i < BOUNDS_MS.length && durationMs > (BOUNDS_MS[i] as number)) i++;
    this.counts[i] = (this.counts[i] as number) + 1;
    this.sumMs += durationMs;
  }
}

class Meter implements CallMeter {
  /** The usual outcome has its own field: no lookup on the hot path. */
  private readonly ok = new Series();
  private readonly others = new Map<CallOutcome, Series>();

  constructor(readonly labels: Labels) {}

  record(outcome: CallOutcome, durationMs: number): void {
    if (outcome === 'ok') return this.ok.record(durationMs);
    let series = this.others.get(outcome);
    if (!series) this.others.set(outcome, (series = new Series()));
    series.record(durationMs);
  }

  values(): Value[] {
    return [['ok', this.ok] as const, ...this.others].flatMap(([outcome, series]) =>
      series.isEmpty ? [] : valuesOf({ ...this.labels, outcome }, series),
    );
  }

  clear(): void {
    this.ok.clear();
    for (const series of this.others.values()) series.clear();
  }
}

/**
 * The duration of calls by caller, module, message, transport and outcome, as a Prometheus histogram; the same names in
 * every topology. Give it to a prom-client registry with `registerIn`.
 */
export class CallMetrics {
  private readonly meters = new Map<string, Meter>();

  /**
   * The meter of one caller, message and transport; requested once for each.
   * @internal
   */
  meter(labels: Labels): CallMeter {
    const key = `${labels.caller} ${labels.message} ${labels.transport}`;
    let meter = this.meters.get(key);
    if (!meter) this.meters.set(key, (meter = new Meter(labels)));
    return meter;
  }

  /** Adds the histogram to a registry, once. A series appears with its first call. */
  registerIn(registry: Registry): void {
    const histogram = {
      name: NAME,
      help: HELP,
      type: 'histogram',
      aggregator: 'sum',
      get: (): MetricObjectWithValues<Value> => ({
        name: NAME,
        help: HELP,
        type: 'histogram' as never,
        aggregator: 'sum',
        collect: () => undefined,
        values: [...this.meters.values()].flatMap((meter) => meter.values()),
      }),
      // emptied, not dropped: callers hold on to their meters
      reset: (): void => this.meters.forEach((meter) => meter.clear()),
    };
    // the type knows only prom-client's own metrics, whose observe() looks up labels at each call; the registry needs
    // no more than these fields
    registry.registerMetric(histogram as never);
  }
}

function valuesOf(labels: Record<string, string>, series: Series): Value[] {
  let cumulative = 0;
  const buckets = Array.from(series.counts, (count, i) => {
    cumulative += count;
    return {
      value: cumulative,
      labels: { ...labels, le: String(BOUNDS_S[i] ?? '+Inf') },
      metricName: `${NAME}_bucket`,
    };
  });
  return [
    ...buckets,
    { value: series.sumMs / 1_000, labels, metricName: `${NAME}_sum` },
    { value: cumulative, labels, metricName: `${NAME}_count` },
  ];
}
