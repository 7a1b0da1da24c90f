import { Logger } from '@nestjs/common';
import { CallGuard } from '../boundary/index.js';
import { CALL_LIMITS_DEFAULT, type CallLimits, type CallLimitsByModule } from '../contract/index.js';
import type { GuardMetrics } from '../observe/index.js';

/** The guards of the calls of a process: one for each module and each module that it calls. */
export class CallGuards {
  private readonly logger = new Logger('calls');
  private readonly guards = new Map<string, CallGuard>();

  constructor(
    private readonly limits: CallLimitsByModule | undefined,
    private readonly metrics: GuardMetrics,
  ) {}

  /** What is allowed for the calls to a module. */
  limitsOf(module: string): CallLimits {
    return this.limits?.modules[module] ?? this.limits?.defaults ?? CALL_LIMITS_DEFAULT;
  }

  /** The guard of the calls of one module to another. */
  between(caller: string, module: string): CallGuard {
    const key = `${caller} ${module}`;
    let guard = this.guards.get(key);
    if (guard === undefined) {
      guard = new CallGuard(caller, module, this.limitsOf(module), (changed) => this.tell(changed));
      this.guards.set(key, guard);
      this.metrics.watch(guard);
    }
    return guard;
  }

  private tell({ caller, module, state }: CallGuard): void {
    if (state === 'closed') this.logger.log(`${module} answers again: ${caller} calls it as before`);
    else
      this.logger.warn(
        `${module} does not answer: calls of ${caller} to it fail at once, but for one at a time that tries whether it is back`,
      );
  }
}
