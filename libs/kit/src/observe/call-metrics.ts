import type { Registry } from 'prom-client';
import { type CallMeter, type CallOutcome, Durations, type TraceContext } from '../boundary/index.js';
import { register, type Value, valuesOf } from './histogram.js';

const NAME = 'fledge_call_duration_seconds';
const HELP = 'Duration of calls between modules, at the caller, in seconds.';

interface Labels {
  readonly caller: string;
  readonly module: string;
  readonly message: string;
  readonly transport: string;
}

class Meter implements CallMeter {
  /** The usual outcome has its own field: no lookup on the hot path. */
  private readonly ok = new Durations();
  private readonly others = new Map<CallOutcome, Durations>();

  constructor(readonly labels: Labels) {}

  record(outcome: CallOutcome, durationMs: number, trace?: TraceContext): void {
    if (outcome === 'ok') return this.ok.record(durationMs, trace);
    let durations = this.others.get(outcome);
    if (!durations) this.others.set(outcome, (durations = new Durations()));
    durations.record(durationMs, trace);
  }

  values(): Value[] {
    return [['ok', this.ok] as const, ...this.others].flatMap(([outcome, durations]) =>
      durations.isEmpty ? [] : valuesOf(NAME, { ...this.labels, outcome }, durations),
    );
  }

  clear(): void {
    this.ok.clear();
    for (const durations of this.others.values()) durations.clear();
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
    register(registry, {
      name: NAME,
      help: HELP,
      type: 'histogram',
      values: () => [...this.meters.values()].flatMap((meter) => meter.values()),
      // emptied, not dropped: callers hold on to their meters
      reset: () => this.meters.forEach((meter) => meter.clear()),
    });
  }
}
