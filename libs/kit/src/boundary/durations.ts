import type { TraceContext } from './trace-context.js';

/** Upper bounds of the buckets of durations, in seconds. */
export const DURATION_BOUNDS_S = [
  0.00001, 0.0001, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;
const BOUNDS_MS = DURATION_BOUNDS_S.map((s) => s * 1_000);
/** The flag of a `traceparent` whose trace is kept. */
const SAMPLED = 0x01;

/** One measured piece of work of a bucket, by which a chart leads to its trace. */
export interface Exemplar {
  readonly traceId: string;
  readonly durationMs: number;
  /** In seconds since 1970. */
  readonly at: number;
}

/** Durations in buckets, for a histogram. Counts are in a typed array, so that recording allocates nothing. */
export class Durations {
  readonly counts = new Float64Array(BOUNDS_MS.length + 1);
  /** The newest exemplar of each bucket. */
  readonly exemplars: (Exemplar | undefined)[] = [];
  sumMs = 0;

  get isEmpty(): boolean {
    return this.counts.every((count) => count === 0);
  }

  clear(): void {
    this.counts.fill(0);
    this.exemplars.length = 0;
    this.sumMs = 0;
  }

  /** @param trace of the work, if it has a span: becomes the exemplar of its bucket if the trace is kept. */
  record(durationMs: number, trace?: TraceContext): void {
    let i = 0;
    while (i < BOUNDS_MS.length && durationMs > (BOUNDS_MS[i] as number)) i++;
    this.counts[i] = (this.counts[i] as number) + 1;
    this.sumMs += durationMs;
    if (trace !== undefined && (parseInt(trace.traceparent.slice(-2), 16) & SAMPLED) !== 0)
      this.exemplars[i] = { traceId: trace.traceparent.slice(3, 35), durationMs, at: Date.now() / 1_000 };
  }
}
