import { Logger } from '@nestjs/common';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { ConsumerState, Overview } from '../messaging/index.js';

/** The maximum age of a database result that a scrape may get. */
export const READ_EVERY_MS = 5_000;
/** How long a scrape waits for a database before it continues without that module. */
export const READ_WAIT_MS = 2_000;

/**
 * The highest value of the gauges: a scrape must stay cheap even when a million messages wait. The age gauges tell the
 * rest.
 */
export const GAUGE_MAX = 10_000;

/** The metrics of messages, with their help texts. */
const OF_MODULE = [
  [
    'fledge_outbox_unsent',
    'Messages that a module has stored and not sent yet.',
    ({ outbox }: Overview) => outbox.unsent,
  ],
  [
    'fledge_outbox_oldest_seconds',
    'Age of the oldest message that is not sent yet, in seconds; 0 when all are sent.',
    ({ outbox }: Overview) => seconds(outbox.oldestMs),
  ],
  [
    'fledge_timers_due',
    'Timers of processes whose time has come and that have not been delivered.',
    ({ timers }: Overview) => timers.due,
  ],
  [
    'fledge_timers_overdue_seconds',
    'Time since the first of them was due, in seconds; 0 when there is none.',
    ({ timers }: Overview) => seconds(timers.overdueMs),
  ],
] as const;
const OF_CONSUMER = [
  [
    'fledge_inbox_waiting',
    'Messages that a consumer has still to handle, those among them that wait for a retry or behind a dead letter.',
    ({ waiting }: ConsumerState) => waiting,
  ],
  [
    'fledge_inbox_lag_seconds',
    'Time since the oldest message was published that a consumer has still to handle, in seconds; 0 when none waits.',
    ({ lagMs }: ConsumerState) => seconds(lagMs),
  ],
  ['fledge_dead_letters', 'Dead letters of a consumer that are not settled.', ({ dead }: ConsumerState) => dead],
] as const;
const OF_PROCESS = [
  [
    'fledge_process_failures',
    'Runs of a process that have failed and wait for somebody to resume them.',
    ({ failedRuns }: ConsumerState) => failedRuns ?? 0,
  ],
  [
    'fledge_process_running',
    'Runs of a process that have begun and neither finished nor failed.',
    ({ runningRuns }: ConsumerState) => runningRuns,
  ],
  [
    'fledge_process_oldest_seconds',
    'Time since the oldest of the running runs began, in seconds; 0 when there is none.',
    ({ oldestRunMs }: ConsumerState) => seconds(oldestRunMs),
  ],
] as const;

interface Watched {
  readonly read: (countMax: number) => Promise<Overview>;
  readAt: number;
  /** The result that a scrape gets. */
  answer: Promise<Overview | undefined>;
  /** A read has begun and not ended: however long a scrape waits, there is never a second one at the same time. */
  isReading: boolean;
}

/**
 * The message backlogs of the modules in this process as Prometheus gauges; the same names in every topology. All
 * replicas of a module report the same values: take the maximum, not the sum. Read on a scrape, at most every 5 s per
 * module, with one bounded statement.
 */
export class MessageMetrics {
  private readonly logger = new Logger('metrics');
  private readonly modules = new Map<string, Watched>();

  private readonly quarantined = new Counter({
    name: 'fledge_messages_quarantined_total',
    help: 'Messages that a log had for a module and that are not what they claim: from another module, or with the key of another. They are not delivered.',
    labelNames: ['module'],
    registers: [],
  });

  /** @param now milliseconds of a monotonic clock. */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Reports a module from now on. */
  watch(module: string, read: (countMax: number) => Promise<Overview>): void {
    this.modules.set(module, { read, readAt: -Infinity, answer: Promise.resolve(undefined), isReading: false });
  }

  /** Counts the quarantined messages of a module, from 0. */
  quarantineOf(module: string): () => void {
    this.quarantined.inc({ module }, 0);
    return () => this.quarantined.inc({ module });
  }

  /** Adds the gauges and the counter to a registry, once. */
  registerIn(registry: Registry): void {
    registry.registerMetric(this.quarantined);
    for (const [name, help, value] of OF_MODULE) {
      this.gauge(registry, name, help, ['module'], (gauge, module, overview) => gauge.set({ module }, value(overview)));
    }
    for (const [name, help, value] of OF_CONSUMER) {
      this.gauge(registry, name, help, ['module', 'consumer'], (gauge, module, { consumers }) => {
        for (const consumer of consumers) gauge.set({ module, consumer: consumer.name }, value(consumer));
      });
    }
    for (const [name, help, value] of OF_PROCESS) {
      this.gauge(registry, name, help, ['module', 'process'], (gauge, module, { consumers }) => {
        for (const consumer of consumers)
          if (consumer.failedRuns !== null) gauge.set({ module, process: consumer.name }, value(consumer));
      });
    }
  }

  private gauge(
    registry: Registry,
    name: string,
    help: string,
    labelNames: string[],
    set: (gauge: Gauge, module: string, overview: Overview) => void,
  ): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect: async () => {
        const found = await Promise.all(
          [...this.modules].map(async ([module, watched]) => [module, await this.latest(module, watched)] as const),
        );
        // a gauge that cannot be read has no value: an old one would look current
        gauge.reset();
        for (const [module, overview] of found) if (overview) set(gauge, module, overview);
      },
    });
  }

  /** One read for all gauges of a scrape, and for scrapes soon after it. */
  private latest(module: string, watched: Watched): Promise<Overview | undefined> {
    if (!watched.isReading && this.now() - watched.readAt >= READ_EVERY_MS) {
      watched.readAt = this.now();
      watched.answer = inTime(this.read(module, watched));
    }
    return watched.answer;
  }

  private async read(module: string, watched: Watched): Promise<Overview | undefined> {
    watched.isReading = true;
    try {
      return await watched.read(GAUGE_MAX);
    } catch (error) {
      this.logger.debug(
        `the messages of ${module} cannot be counted: ${error instanceof Error ? error.message : String(error)}`,
      );
      return undefined;
    } finally {
      watched.isReading = false;
    }
  }
}

async function inTime(read: Promise<Overview | undefined>): Promise<Overview | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, READ_WAIT_MS, undefined)));
  try {
    return await Promise.race([read, late]);
  } finally {
    clearTimeout(timer);
  }
}

function seconds(ms: number | null): number {
  return (ms ?? 0) / 1_000;
}
