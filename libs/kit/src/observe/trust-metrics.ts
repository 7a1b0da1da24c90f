import { Counter, type Registry } from 'prom-client';

/** Counts calls that did not prove who acts in them: `fledge_unproven_calls_total`. */
export class TrustMetrics {
  private readonly counter = new Counter({
    name: 'fledge_unproven_calls_total',
    help: 'Calls from other processes that named a user without proof, by module, flaw and whether they were refused.',
    labelNames: ['module', 'flaw', 'refused'] as const,
    registers: [],
  });

  registerIn(registry: Registry): void {
    registry.registerMetric(this.counter);
  }

  count(module: string, flaw: string, isRefused: boolean): void {
    this.counter.inc({ module, flaw, refused: String(isRefused) });
  }
}
