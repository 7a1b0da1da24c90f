import type { MetricObjectWithValues, MetricValueWithName, Registry } from 'prom-client';
import { DURATION_BOUNDS_S, type Durations } from '../boundary/index.js';

/** One value of a metric, with the exemplar that OpenMetrics shows. */
export type Value = MetricValueWithName<string> & {
  readonly exemplar?: {
    readonly labelSet: { readonly trace_id: string };
    readonly value: number;
    readonly timestamp: number;
  };
};

/** A metric whose values are counted elsewhere. */
export interface CountedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: 'histogram' | 'counter' | 'gauge';
  readonly values: () => Value[];
  readonly reset: () => void;
}

/**
 * Adds a metric to a registry, once. The types of prom-client know only its own metrics, whose `observe` and `inc` look
 * up labels at each call; the registry needs no more than these fields.
 */
export function register(registry: Registry, { name, help, type, values, reset }: CountedMetric): void {
  const head = { name, help, type: type as never, aggregator: 'sum' as const };
  registry.registerMetric({
    ...head,
    get: (): MetricObjectWithValues<Value> => ({ ...head, collect: () => undefined, values: values() }),
    reset,
  } as never);
}

/** The values of one series of a histogram. */
export function valuesOf(name: string, labels: Record<string, string>, durations: Durations): Value[] {
  let cumulative = 0;
  const buckets = Array.from(durations.counts, (count, i): Value => {
    cumulative += count;
    const exemplar = durations.exemplars[i];
    return {
      value: cumulative,
      labels: { ...labels, le: String(DURATION_BOUNDS_S[i] ?? '+Inf') },
      metricName: `${name}_bucket`,
      ...(exemplar && {
        exemplar: {
          labelSet: { trace_id: exemplar.traceId },
          value: exemplar.durationMs / 1_000,
          timestamp: exemplar.at,
        },
      }),
    };
  });
  return [
    ...buckets,
    { value: durations.sumMs / 1_000, labels, metricName: `${name}_sum` },
    { value: cumulative, labels, metricName: `${name}_count` },
  ];
}
