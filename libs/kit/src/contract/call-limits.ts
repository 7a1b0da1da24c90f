/** What a module may spend on the calls to one other module, and what that module spends on those of one caller. */
export interface CallLimits {
  /** Calls that a replica of the module works on at the same time; further ones are refused. 1 to 100,000. Default 1,024. */
  readonly inFlightMax: number;
  /** The part of these that one calling module may take, in percent, 1 to 100. Default 80: the rest is for the others. */
  readonly callerShare: number;
  /**
   * The bulkhead: calls of one module to this one, in one process, that may wait for their answers at the same time;
   * further ones fail at once. 1 to 100,000. Default 1,024.
   */
  readonly waitingMax: number;
  /** When a silent module is called no more. */
  readonly breaker: BreakerSettings;
  /** How often its calls are sent again. */
  readonly retryBudget: RetryBudgetSettings;
}

/** When a caller stops to call a silent module. */
export interface BreakerSettings {
  /** The part of the calls of a window that got no answer, in percent, from which the circuit opens; 1 to 100. Default 50. */
  readonly silentRate: number;
  /** Calls that a window needs before it says anything; 1 to 1,000,000. Default 20. */
  readonly callsMin: number;
  /** Length of the window, in milliseconds; 100 ms to 10 minutes. Default 10 s. */
  readonly windowMs: number;
  /**
   * Milliseconds until one call is let through to try, 10 ms to 10 minutes, doubled after each that fails, up to ten
   * times this. Default 1 s.
   */
  readonly openForMs: number;
}

/** How often calls that got no answer may be sent again. */
export interface RetryBudgetSettings {
  /** Of the calls that were sent, in percent; 0 to 1,000. Default 20. */
  readonly percent: number;
  /** A second besides, 0 to 100,000. Default 10. */
  readonly floor: number;
}

/** The limits of all calls of a process. */
export interface CallLimitsByModule {
  /** For all modules that `modules` leaves out. */
  readonly defaults: CallLimits;
  /** By the module that is called; one that is left out has the defaults. */
  readonly modules: Readonly<Record<string, CallLimits>>;
}

/** What calls may take where nothing else is said. */
export const CALL_LIMITS_DEFAULT: CallLimits = {
  inFlightMax: 1_024,
  callerShare: 80,
  waitingMax: 1_024,
  breaker: { silentRate: 50, callsMin: 20, windowMs: 10_000, openForMs: 1_000 },
  retryBudget: { percent: 20, floor: 10 },
};
