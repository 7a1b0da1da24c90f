/** An attempt of a buyer at one replica. */
export interface Tried {
  readonly service: string;
  readonly startedAt: number;
  readonly tookMs: number;
}

/** A period in which one replica was injured and the others were not. */
export interface Injured {
  readonly service: string;
  readonly from: number;
  readonly to: number;
}

/** By then, clients skip a silent replica. */
const LEFT_OUT_WITHIN_MS = 3_000;
/** The promise is one second; this limit holds while the machine does many other things. */
const ANSWER_P95_MAX_MS = 1_500;
const TRIES_MIN = 20;

/**
 * The 95th percentile of the answers of the other replicas while one was injured and already skipped; `undefined` if
 * there were too few.
 */
export function healthyP95Ms(tried: readonly Tried[], injured: readonly Injured[]): number | undefined {
  const took = tried
    .filter(({ service, startedAt }) =>
      injured.some((one) => one.service !== service && startedAt > one.from + LEFT_OUT_WITHIN_MS && startedAt < one.to),
    )
    .map(({ tookMs }) => tookMs)
    .sort((a, b) => a - b);
  return took.length < TRIES_MIN ? undefined : took[Math.ceil(took.length * 0.95) - 1];
}

/** The broken promise about the answers of healthy replicas, on a machine slower by this factor: a line or none. */
export function slowAnswers(p95Ms: number | undefined, slowness: number): string[] {
  return p95Ms === undefined || p95Ms <= ANSWER_P95_MAX_MS * slowness
    ? []
    : [`healthy replicas took ${(p95Ms / 1_000).toFixed(1)} s to answer, at p95, while another one was injured`];
}
