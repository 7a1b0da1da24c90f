/** How much is ordered. */
export interface CheckoutBenchOptions {
  /** As fast as possible for this time; then at a steady rate for the same time. */
  readonly seconds: number;
  /** Orders a second when they come steadily. */
  readonly perSecond: number;
  /** Each places one order after the other. */
  readonly buyers: number;
}

/** Processor seconds per order, from its cart to its last mail. */
export interface CpuPerOrder {
  readonly shopMs: number;
  readonly postgresMs: number;
  readonly brokerMs: number;
}

/** The checkout in one topology. */
export interface CheckoutRow {
  readonly topology: string;
  readonly orders: number;
  /** As fast as possible: from the first request to the last answer. */
  readonly placedPerSecond: number;
  /** From the first request to the commit that confirmed the last order. */
  readonly confirmedPerSecond: number;
  /** From the first request until each order was sent and paid. */
  readonly completedPerSecond: number;
  /** At a steady rate: from before the request to the commit. */
  readonly confirmedP50Ms: number;
  readonly confirmedP99Ms: number;
  readonly cpuSaturated: CpuPerOrder;
  readonly cpuSteady: CpuPerOrder;
  readonly shopMemoryMiB: number;
  readonly brokerMemoryMiB: number;
  /** Requests to place an order that got no order in answer. */
  readonly refused: number;
  /** Orders that are lost, duplicated or not confirmed in time, and all other violations, a line each. */
  readonly broken: readonly string[];
}
