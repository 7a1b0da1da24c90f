import {
  jetstream,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { Logger } from '@nestjs/common';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import { StartupError } from '@fledge/kit/contract';
import { type Deployment, foreignDeployment, type StoredPlace } from '@fledge/kit/transport';
import { idOf } from './stored-messages.js';

/** Limits of the messages that the broker keeps. */
export interface LogLimits {
  /** How long it keeps messages, in milliseconds. Default three days: as long as outboxes keep what was sent. */
  readonly maxAgeMs?: number | undefined;
  /** How long the broker detects duplicates, in milliseconds. Default two minutes. The inbox detects later ones. */
  readonly duplicateWindowMs?: number | undefined;
  /**
   * Number of servers that must have a message before it counts as stored. Default: that of the existing stream, or one
   * for a new stream.
   */
  readonly replicas?: number | undefined;
}

const MAX_AGE_DEFAULT_MS = 3 * 86_400_000;
/** How long it may take to notice that somebody deleted and recreated the stream while all stayed connected. */
const ASK_AGAIN_MS = 5_000;
const DUPLICATE_WINDOW_DEFAULT_MS = 120_000;

/** JetStream's errors for fewer servers than requested replicas: no cluster, or one that is too small. */
const TOO_FEW_SERVERS: readonly number[] = [10_074, 10_005];

/** Key in the metadata of a stream: the deployment that it belongs to. */
const DEPLOYMENT = 'fledge-deployment';

const logger = new Logger('nats');

/** Messages requested from the broker at a time, to check whether it still has them. */
const ASKED_AT_ONCE = 64;
/** Key in the metadata of a stream, set by older versions to the time at which they found that it had lost messages. */
const LIFE = 'fledge-life';

/**
 * The parts of a message's subject; no module's name starts with an underscore, so they cannot collide with those of
 * calls.
 */
export type LogKind = 'event' | 'command';

/**
 * The JetStream stream of one namespace, which all modules write to and read from: file storage, limited by age.
 * Whoever comes first creates it if it is missing; one that lost its store counts as new, with another `incarnation`. A
 * process that opens the stream sets its own limits: the last one wins.
 *
 * After a power failure a server may come back with the same stream but without its newest messages, and assign their
 * positions to others. So after each loss of the connection, whoever wrote or read up to there checks whether the
 * stream still has those messages (`missing`, `idAt`).
 */
export class LogStream {
  readonly stream: string;
  readonly client: JetStreamClient;
  private readonly limits: {
    readonly max_age: number;
    readonly duplicate_window: number;
    readonly num_replicas?: number;
  };
  private manager: Promise<JetStreamManager> | undefined;
  private known: Promise<string> | undefined;
  /** How often the connection was lost; the stream may have lost its end each time. */
  losses = 0;
  private readonly lossListeners = new Set<() => void>();
  private askedAt = 0;
  /** Recorded in a stream that this process creates. */
  private deployment: string | undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly namespace: string,
    { maxAgeMs = MAX_AGE_DEFAULT_MS, duplicateWindowMs = DUPLICATE_WINDOW_DEFAULT_MS, replicas }: LogLimits = {},
  ) {
    // The broker refuses a window that is longer than the maximum age.
    this.limits = {
      max_age: nanos(maxAgeMs),
      duplicate_window: nanos(Math.min(duplicateWindowMs, maxAgeMs)),
      ...(replicas !== undefined && { num_replicas: replicas }),
    };
    this.stream = `${namespace}-messages`;
    this.client = jetstream(connection, { timeout: 5_000 });
  }

  /** The subject of a message: `shop._event.ordering.order-placed.v1`. */
  subject(kind: LogKind, wireName: string): string {
    return `${this.namespace}._${kind}.${wireName}`;
  }

  /**
   * The time at which the stream was created, or last found to have lost messages, which identifies its incarnation.
   * Creates the stream if it is missing. The broker is queried again after some seconds, and after `forget`.
   */
  incarnation(): Promise<string> {
    const now = performance.now();
    if (now - this.askedAt > ASK_AGAIN_MS) this.known = undefined;
    if (this.known === undefined) this.askedAt = now;
    return (this.known ??= this.open().catch((error: unknown) => {
      this.known = undefined;
      throw error;
    }));
  }

  /**
   * Records that the stream belongs to a deployment, if it belongs to none yet.
   * @throws StartupError if it belongs to another one and is not adopted.
   */
  async claim({ id, adopts }: Deployment): Promise<void> {
    this.deployment = id;
    await this.incarnation();
    const { streams } = await this.managed();
    const found = async (): Promise<string | undefined> =>
      (await streams.info(this.stream)).config.metadata?.[DEPLOYMENT];
    const before = await found();
    if (before === undefined || (before !== id && before === adopts)) {
      if (before !== undefined) logger.warn(`adopted the stream ${this.stream}, which belonged to '${before}'`);
      const { metadata } = (await streams.info(this.stream)).config;
      await streams.update(this.stream, { metadata: { ...metadata, [DEPLOYMENT]: id } });
    }
    // another process may have been faster
    const now = await found();
    if (now !== undefined && now !== id) throw foreignDeployment(`the stream ${this.stream}`, now, id);
  }

  /** The stream may have been replaced: the connection was lost, or a message could not be stored. */
  forget(): void {
    this.known = undefined;
  }

  /** The sequence of the last message. */
  async last(): Promise<number> {
    return (await this.bounds()).last;
  }

  /** The sequences of the first message and of the last one; of an empty stream the first is one above the last. */
  async bounds(): Promise<{ readonly first: number; readonly last: number }> {
    const { state } = await (await this.managed()).streams.info(this.stream);
    return { first: state.messages === 0 ? state.last_seq + 1 : state.first_seq, last: state.last_seq };
  }

  /** The connection is lost. */
  disconnected(): void {
    this.losses += 1;
    for (const listener of this.lossListeners) listener();
  }

  /** Calls `listener` at each loss of the connection, until the function that it returns is called. */
  onLoss(listener: () => void): () => void {
    this.lossListeners.add(listener);
    return () => void this.lossListeners.delete(listener);
  }

  /** The id of the message at a position; `undefined` if there is no message, or it has no id. */
  async idAt(sequence: number): Promise<string | undefined> {
    const { streams } = await this.managed();
    try {
      const found = await streams.getMessage(this.stream, { seq: sequence });
      return found === null ? undefined : idOf({ headers: found.header });
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.NoMessageFound) return undefined;
      throw error;
    }
  }

  /**
   * The ids of the given messages that the stream confirmed but no longer has at their position, although it starts
   * before it.
   */
  async missing(stored: readonly StoredPlace[]): Promise<readonly string[]> {
    const { first } = await this.bounds();
    const missing: string[] = [];
    const left = stored.filter(({ sequence }) => sequence >= first);
    const look = async (): Promise<void> => {
      for (let one = left.pop(); one !== undefined; one = left.pop())
        if ((await this.idAt(one.sequence)) !== one.id) missing.push(one.id);
    };
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, look));
    return missing;
  }

  private async open(): Promise<string> {
    const { streams } = await this.managed();
    try {
      const { created, config } = await streams.info(this.stream);
      const { max_age, duplicate_window, num_replicas = config.num_replicas } = this.limits;
      if (
        config.max_age !== max_age ||
        config.duplicate_window !== duplicate_window ||
        config.num_replicas !== num_replicas
      )
        await this.asLimited(() => streams.update(this.stream, this.limits));
      return incarnationOf(created, config.metadata);
    } catch (error) {
      if (!(error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)) throw error;
      const subjects = [`${this.namespace}._event.>`, `${this.namespace}._command.>`];
      const made = await this.asLimited(() =>
        streams.add({
          name: this.stream,
          subjects,
          storage: StorageType.File,
          retention: RetentionPolicy.Limits,
          ...this.limits,
          ...(this.deployment !== undefined && { metadata: { [DEPLOYMENT]: this.deployment } }),
        }),
      );
      return incarnationOf(made.created, made.config.metadata);
    }
  }

  /** Creates or changes the stream; says what to do if there are too few servers. */
  private async asLimited<R>(work: () => Promise<R>): Promise<R> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof JetStreamApiError && TOO_FEW_SERVERS.includes(error.code))) throw error;
      const { num_replicas } = this.limits;
      throw new StartupError(
        'nats-replicas',
        `the NATS servers cannot keep ${num_replicas} copies of each message: ${error.message}`,
        `Start a cluster of ${num_replicas} servers or more with JetStream, or lower 'nats.replicas'.`,
      );
    }
  }

  private managed(): Promise<JetStreamManager> {
    return (this.manager ??= jetstreamManager(this.connection, { timeout: 5_000 }).catch((error: unknown) => {
      this.manager = undefined;
      if (error instanceof Error && error.name === 'JetStreamNotEnabled') {
        throw new StartupError(
          'jetstream',
          'the NATS server has no JetStream, which keeps the messages between modules',
          "Start it with '--jetstream --store_dir <folder>'.",
        );
      }
      throw error;
    }));
  }
}

function incarnationOf(created: string, metadata: Readonly<Record<string, string>> | undefined): string {
  const life = metadata?.[LIFE];
  return life === undefined ? created : `${created} ${life}`;
}
