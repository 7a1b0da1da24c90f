import type { INestApplicationContext } from '@nestjs/common';
import type { Catalogue, ModuleServer, Tracing } from '../boundary/index.js';
import type { BoundedModuleSpec } from '../bus/index.js';
import { StartupError } from '../contract/index.js';
import type { ModuleDataSource } from '../data/index.js';
import type { MessageLog } from '../transport/index.js';
import { sentHistoryOf } from './relay/sent-history.js';
import type { DurableConsumer } from './consumers/consumer.js';
import { discoverConsumers } from './consumers/discover-consumers.js';
import { knowledge } from './inbox/deliveries.js';
import { Dispatcher } from './dispatch/dispatcher.js';
import { attachEventBus } from './outbox/event-routing.js';
import { Inbox } from './inbox/inbox.js';
import { Membership } from './replicas/membership.js';
import { Outbox } from './outbox/outbox.js';
import { OutboxLane } from './outbox/outbox-lane.js';
import { discoverProcesses, processNames } from './processes/discover-processes.js';
import { Timers } from './processes/timers.js';
import { backfill, register } from './inbox/registry.js';
import { Relay } from './relay/relay.js';
import { RETENTION_DEFAULT, type Retention, retentionJob } from './operations/retention.js';
import { discoverSingletons, Singletons } from './singletons/singletons.js';
import { MessageCounts } from './signals/message-counts.js';
import { type Sql, sqlOf } from './storage/sql.js';

/** What a module needs for durable messaging. */
export interface ModuleMessagingOptions {
  readonly app: INestApplicationContext;
  readonly spec: BoundedModuleSpec;
  readonly catalogue: Catalogue;
  readonly moduleServer: ModuleServer;
  /** Its schema already has the messaging tables. */
  readonly source: ModuleDataSource;
  readonly messageLog: MessageLog;
  readonly retention?: Retention;
  readonly tracing?: Tracing | undefined;
  /** Told of each message that is not what it claims. */
  readonly onQuarantined?: () => void;
}

/** One module's durable messaging: sends what it publishes, and receives and handles what it consumes. */
export class ModuleMessaging {
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  /** What this process has published and handled. */
  readonly counts = new MessageCounts();
  private readonly sql: Sql;
  private readonly membership: Membership;
  private readonly relay: Relay;
  private readonly dispatcher: Dispatcher;
  private readonly timers: Timers;
  private readonly singletons: Singletons;
  private readonly consumers: readonly DurableConsumer[];
  private joined = false;
  private started = false;

  /** Finds the module's consumers and takes over its event bus; nothing is sent or handled before `start`. */
  constructor(private readonly options: ModuleMessagingOptions) {
    const { app, spec, catalogue, moduleServer, source, messageLog, tracing } = options;
    const module = spec.contract.name;
    this.sql = sqlOf(source);
    const lane = new OutboxLane();
    this.outbox = new Outbox(source, module, catalogue, lane, tracing);
    const consumers = discoverConsumers(app, spec, catalogue, moduleServer);
    const processes = discoverProcesses(
      app,
      { spec, catalogue, sql: this.sql, outbox: this.outbox, onTimer: (inMs) => this.timers.expect(inMs) },
      consumers,
    );
    this.consumers = [...consumers, ...processes];
    const knows = this.consumers.flatMap(({ name, knows: names }) =>
      names.map((wireName) => knowledge(name, wireName)),
    );
    this.membership = new Membership(this.sql, {
      knows,
      ...(messageLog.isReachable && { isHealthy: () => messageLog.isReachable?.() ?? true }),
    });
    this.inbox = new Inbox(
      this.sql,
      module,
      this.membership,
      { catalogue, admits: (source) => moduleServer.admits(source) },
      options.onQuarantined,
    );
    this.relay = new Relay(this.sql, module, messageLog, this.membership, lane);
    this.dispatcher = new Dispatcher({
      module,
      source,
      membership: this.membership,
      consumers: this.consumers,
      tracing,
      contexts: moduleServer.contexts,
      counts: this.counts,
    });
    this.timers = new Timers({
      module,
      sql: this.sql,
      membership: this.membership,
      onMoved: () => this.dispatcher.wakeAll(),
    });
    this.singletons = new Singletons(
      module,
      [...discoverSingletons(app), retentionJob(this.sql, options.retention ?? RETENTION_DEFAULT)],
      this.membership,
      this.sql,
      tracing,
    );
    attachEventBus(app, module, this.outbox);
    this.outbox.onStored((entry) => {
      // a transaction that was rolled back, or whose outcome is unknown, comes here, too
      if (entry.state === 'committed') for (const { message } of entry.messages) this.counts.publish(message.name);
      this.relay.stored(entry);
    });
    this.membership.onLoss(() => this.counts.membershipsLost++);
    source.onCommit = () => this.singletons.committed();
    this.inbox.handTo(this.dispatcher);
    messageLog.keep?.(sentHistoryOf(module, this.sql));
  }

  /**
   * Joins the other replicas and begins to receive messages. Runs before any module begins to send, so that no sender
   * finds a receiver missing.
   */
  async subscribe(): Promise<void> {
    this.joined = true;
    await register(this.sql, this.consumers);
    await this.membership.start();
    // until now no row showed that a replica has these consumers, so they may have been forgotten
    await register(this.sql, this.consumers, this.membership.replica);
    await this.inbox.start();
    await this.options.messageLog.subscribe(this.inbox);
  }

  /** Begins to send and to handle messages. */
  async start(): Promise<void> {
    await this.readPast();
    this.started = true;
    this.relay.start();
    this.dispatcher.start();
    this.timers.start();
    this.singletons.start();
  }

  private readPast(): Promise<void> {
    return backfill(this.sql, this.consumers, this.options.messageLog, this.inbox);
  }

  /** Handles and sends nothing new; resolves when the work in progress is committed and other replicas may continue. */
  async stop(): Promise<void> {
    if (!this.joined) return;
    if (this.started) {
      await Promise.all([this.dispatcher.stop(), this.timers.stop(), this.singletons.stop()]);
      await this.relay.stop();
    }
    await this.membership.stop();
  }
}

/**
 * For a module without tables: makes its event bus refuse contract events, which it could not store.
 * @throws StartupError when the module has durable consumers, processes or singletons.
 */
export function refuseUnstored({
  app,
  spec,
  catalogue,
  moduleServer,
}: Pick<ModuleMessagingOptions, 'app' | 'spec' | 'catalogue' | 'moduleServer'>): void {
  const module = spec.contract.name;
  attachEventBus(app, module, undefined);
  const consumer = discoverConsumers(app, spec, catalogue, moduleServer).find(({ kind }) => kind === 'event');
  const what = consumer
    ? `the consumer '${consumer.name}'`
    : (processNames(app).map((name) => `the process ${name}`)[0] ??
      discoverSingletons(app).map(({ name }) => `the singleton '${name}'`)[0]);
  if (what === undefined) return;
  throw new StartupError(
    'consumer-tables',
    `${what} of ${module} needs tables, and the module has none`,
    'Name `entities` or `migrations` in its @BoundedModule: then it has a schema, in which the kit makes its tables.',
  );
}
