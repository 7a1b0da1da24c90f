import type { Registry } from 'prom-client';
import type { CallGuard, CircuitState } from '../boundary/index.js';
import { register, type Value } from './histogram.js';

const STATES: Readonly<Record<CircuitState, number>> = { closed: 0, trying: 1, open: 2 };
const REASONS = ['circuit-open', 'bulkhead-full'] as const;

/** What limits the calls between two modules, at the caller: open circuits, calls that wait, and calls not sent. */
export class GuardMetrics {
  private readonly guards: CallGuard[] = [];

  watch(guard: CallGuard): void {
    this.guards.push(guard);
  }

  registerIn(registry: Registry): void {
    register(registry, {
      name: 'fledge_circuit_state',
      help: 'State of the circuit from a module to one that it calls: 0 closed, 1 trying, 2 open.',
      type: 'gauge',
      values: () => this.values('fledge_circuit_state', (guard) => STATES[guard.state]),
      reset: () => undefined,
    });
    register(registry, {
      name: 'fledge_calls_waiting',
      help: 'Calls of a module to another one that have no answer yet.',
      type: 'gauge',
      values: () => this.values('fledge_calls_waiting', (guard) => guard.waiting),
      reset: () => undefined,
    });
    register(registry, {
      name: 'fledge_calls_not_sent_total',
      help: 'Calls that the caller did not send, by reason: circuit-open, bulkhead-full.',
      type: 'counter',
      values: () =>
        this.guards.flatMap(({ caller, module, refused }) =>
          REASONS.map((reason) => ({
            value: refused[reason],
            labels: { caller, module, reason },
            metricName: 'fledge_calls_not_sent_total',
          })),
        ),
      reset: () => undefined,
    });
  }

  private values(metricName: string, read: (guard: CallGuard) => number): Value[] {
    return this.guards.map((guard) => ({
      value: read(guard),
      labels: { caller: guard.caller, module: guard.module },
      metricName,
    }));
  }
}
