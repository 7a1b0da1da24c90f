/** How much is ordered. */
export interface CheckoutBenchOptions {
  /** As fast as it goes, for this time; then steadily, for the same. */
  readonly seconds: number;
  /** Orders a second when they come steadily. */
  readonly perSecond: number;
  /** Each orders one after the other. */
  readonly buyers: number;
}

/** Processor seconds an order, from its cart to its last mail. */
export interface CpuPerOrder {
  readonly shopMs: number;
  readonly postgresMs: number;
  readonly brokerMs: number;
}

/** The checkout in one topology. */
export interface CheckoutRow {
  readonly topology: string;
  readonly orders: number;
  /** As fast as it goes: from the first request to the last answer. */
  readonly placedPerSecond: number;
  /** From the first request to the commit that confirmed the last order. */
  readonly confirmedPerSecond: number;
  /** From the first request until each order was sent and paid. */
  readonly completedPerSecond: number;
  /** When orders come steadily: from before the request to the commit. */
  readonly confirmedP50Ms: number;
  readonly confirmedP99Ms: number;
  readonly cpuSaturated: CpuPerOrder;
  readonly cpuSteady: CpuPerOrder;
  readonly shopMemoryMiB: number;
  readonly brokerMemoryMiB: number;
  /** Requests to place an order that were not answered with one. */
  readonly refused: number;
  /** Orders that are lost, doubled or not confirmed in time, and whatever else must not be, a line each. */
  readonly broken: readonly string[];
}
