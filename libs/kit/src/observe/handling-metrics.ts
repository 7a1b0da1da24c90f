import type { Registry } from 'prom-client';
import type { MessageCounts } from '../messaging/index.js';
import { type CountedMetric, register, type Value, valuesOf } from './histogram.js';

const DURATION = 'fledge_message_duration_seconds';

/** The connections of a module's pool. */
interface PoolState {
  readonly busy: number;
  readonly idle: number;
  readonly waiting: number;
}

interface Watched {
  readonly counts: MessageCounts;
  readonly pool: () => PoolState;
}

/**
 * What this process has published and handled, by module, message and consumer, and the state of the modules' pools. All
 * of it is of this process alone: add up the replicas.
 */
export class HandlingMetrics {
  private readonly modules = new Map<string, Watched>();

  /** Reports a module from now on. */
  watch(module: string, counts: MessageCounts, pool: () => PoolState): void {
    this.modules.set(module, { counts, pool });
  }

  /** Adds all metrics to a registry, once. */
  registerIn(registry: Registry): void {
    const add = (
      type: CountedMetric['type'],
      name: string,
      help: string,
      values: (module: string, watched: Watched) => Value[],
    ): void =>
      register(registry, {
        name,
        help,
        type,
        values: () => [...this.modules].flatMap(([module, watched]) => values(module, watched)),
        // what modules count is theirs, and only ever grows
        reset: () => undefined,
      });
    add(
      'counter',
      'fledge_messages_published_total',
      'Messages that transactions of this process have published.',
      (module, { counts }) => [...counts.published].map(([message, value]) => valueOf(value, { module, message })),
    );
    add(
      'counter',
      'fledge_messages_handled_total',
      'Attempts at messages that have ended: handled, retried (the message waits for its next attempt), or dead.',
      (module, { counts }) =>
        [...counts.consumers].flatMap(([consumer, { outcomes }]) =>
          Object.entries(outcomes).map(([outcome, value]) => valueOf(value, { module, consumer, outcome })),
        ),
    );
    add('histogram', DURATION, 'Duration of each attempt at a message, in seconds.', (module, { counts }) =>
      [...counts.consumers].flatMap(([consumer, { durations }]) => valuesOf(DURATION, { module, consumer }, durations)),
    );
    add(
      'counter',
      'fledge_replica_removals_total',
      'How often other replicas of the module have taken over the work of this one, which was alive.',
      (module, { counts }) => [valueOf(counts.membershipsLost, { module })],
    );
    add('gauge', 'fledge_database_connections', "Connections of a module's pool.", (module, { pool }) => {
      const { busy, idle } = pool();
      return [valueOf(busy, { module, state: 'busy' }), valueOf(idle, { module, state: 'idle' })];
    });
    add(
      'gauge',
      'fledge_database_waiting',
      "Statements and transactions that wait for a connection of a module's pool.",
      (module, { pool }) => [valueOf(pool().waiting, { module })],
    );
  }
}

function valueOf(value: number, labels: Record<string, string>): Value {
  return { value, labels } as Value;
}
