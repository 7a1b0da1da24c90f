import {
  type ConsumerInfo,
  jetstream,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
} from '@nats-io/jetstream';
import { Logger } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import { StartupError } from '@fledge/kit/contract';
import { type Deployment, foreignDeployment, type StoredPlace } from '@fledge/kit/transport';
import type { LogLimits } from './log-limits.js';
import { consumerName, deliverySubject, type LogKind, logSubject, streamName } from './names.js';
import { idOf } from './stored-messages.js';
import { DEPLOYMENT, deploymentOf, differencesOf, limitsOf, plainStream, provisionedStream } from './stream-config.js';

/** How long it may take to notice that somebody deleted and recreated the stream while all stayed connected. */
const ASK_AGAIN_MS = 5_000;

/** JetStream's errors for fewer servers than requested replicas: no cluster, or one that is too small. */
const TOO_FEW_SERVERS: readonly number[] = [10_074, 10_005];

const logger = new Logger('nats');

/** Messages requested from the broker at a time, to check whether it still has them. */
const ASKED_AT_ONCE = 64;
/** Key in the metadata of a stream, set by older versions to the time at which they found that it had lost messages. */
const LIFE = 'fledge-life';

/**
 * The JetStream stream of one namespace, which all modules write to and read from: file storage, limited by age.
 * Whoever comes first creates it if it is missing; one that lost its store counts as new, with another `incarnation`. A
 * process that opens the stream sets its own limits: the last one wins. If an operator provisions it, processes only
 * check it.
 *
 * After a power failure a server may come back with the same stream but without its newest messages, and assign their
 * positions to others. So after each loss of the connection, whoever wrote or read up to there checks whether the
 * stream still has those messages (`missing`, `idAt`).
 */
export class LogStream {
  readonly stream: string;
  readonly client: JetStreamClient;
  private manager: Promise<JetStreamManager> | undefined;
  private known: Promise<string> | undefined;
  /** How often the connection was lost; the stream may have lost its end each time. */
  losses = 0;
  /** In what the stream differs from what the topology says; empty if it does not. */
  differences: readonly string[] = [];
  private readonly lossListeners = new Set<() => void>();
  private askedAt = 0;
  /** Recorded in a stream that this process creates. */
  private deployment: string | undefined;

  constructor(
    readonly connection: NatsConnection,
    readonly namespace: string,
    private readonly limits: LogLimits = {},
    /**
     * Whether an operator makes the stream and the consumers. A command must then name its source in its subject, which
     * those of older versions do not.
     */
    readonly isProvisioned = false,
  ) {
    this.stream = streamName(namespace);
    this.client = jetstream(connection, { timeout: 5_000 });
  }

  /** A subject to read; its parts may be wildcards. */
  subject(kind: LogKind, wireName: string, source?: string): string {
    return logSubject(this.namespace, kind, wireName, source);
  }

  /** The subject of a message. The owner of an event is in its name; a command's sender follows it. */
  subjectOf({ kind, name, source }: Pick<StoredPlace, 'kind' | 'name' | 'source'>): string {
    return this.subject(kind, name, kind === 'command' ? source : undefined);
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
   * Records that the stream belongs to a deployment, if it belongs to none yet. Of a stream that an operator made, only
   * checks what the operator recorded.
   * @throws StartupError if it belongs to another one and is not adopted.
   */
  async claim({ id, adopts }: Deployment): Promise<void> {
    this.deployment = id;
    await this.incarnation();
    const { streams } = await this.managed();
    let { config } = await streams.info(this.stream);
    const before = deploymentOf(config);
    if (!this.isProvisioned && (before === undefined || (before !== id && before === adopts))) {
      if (before !== undefined) logger.warn(`adopted the stream ${this.stream}, which belonged to '${before}'`);
      await streams.update(this.stream, { metadata: { ...config.metadata, [DEPLOYMENT]: id } });
      // another process may have been faster
      ({ config } = await streams.info(this.stream));
    }
    const found = deploymentOf(config);
    if (found !== undefined && found !== id) throw foreignDeployment(`the stream ${this.stream}`, found, id);
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

  /**
   * The state of the consumer that an operator made for a module.
   * @throws StartupError if there is none, or one that delivers elsewhere.
   */
  async consumerOf(module: string): Promise<ConsumerInfo> {
    const { consumers } = await this.managed();
    const cure = "Let an operator make it: 'fledge nats provision'.";
    try {
      const info = await consumers.info(this.stream, consumerName(module));
      const to = deliverySubject(this.namespace, module);
      if (info.config.deliver_subject === to) return info;
      throw new StartupError(
        'nats-consumer',
        `the consumer of ${module} on ${this.stream} does not deliver to ${to}`,
        cure,
      );
    } catch (error) {
      if (!(error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound)) throw error;
      throw new StartupError('nats-consumer', `the stream ${this.stream} has no consumer for ${module}`, cure);
    }
  }

  /**
   * Checks what an operator has made for a module.
   * @throws StartupError if the stream or the consumer is missing, or configured otherwise than the topology says.
   */
  async checkProvisioned(module: string): Promise<void> {
    await this.incarnation();
    if (this.differences.length > 0)
      throw new StartupError(
        'nats-stream',
        `the stream ${this.stream} is not as the topology says: ${this.differences.join('; ')}`,
        "Let an operator change it, 'fledge nats provision', or correct the topology.",
      );
    await this.consumerOf(module);
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
    if (this.isProvisioned) return this.missingAtTheEnd(stored.filter(({ sequence }) => sequence >= first));
    const missing: string[] = [];
    const left = stored.filter(({ sequence }) => sequence >= first);
    const look = async (): Promise<void> => {
      for (let one = left.pop(); one !== undefined; one = left.pop())
        if ((await this.idAt(one.sequence)) !== one.id) missing.push(one.id);
    };
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, look));
    return missing;
  }

  /**
   * Like `missing`, for a process that may only see the last message on each subject that it writes: a stream loses its
   * newest messages, so those above that one are gone.
   */
  private async missingAtTheEnd(stored: readonly StoredPlace[]): Promise<readonly string[]> {
    const { direct } = await this.managed();
    const lasts = new Map<string, Promise<{ readonly seq: number; readonly id: string | undefined }>>();
    const lastOn = (subject: string) =>
      direct
        .getMessage(this.stream, { last_by_subj: subject })
        .then((last) =>
          last === null ? { seq: 0, id: undefined } : { seq: last.seq, id: idOf({ headers: last.header }) },
        );
    const missing: string[] = [];
    for (const place of stored) {
      const { id, sequence } = place;
      const subject = this.subjectOf(place);
      let asked = lasts.get(subject);
      if (asked === undefined) lasts.set(subject, (asked = lastOn(subject)));
      const last = await asked;
      if (sequence > last.seq || (sequence === last.seq && id !== last.id)) missing.push(id);
    }
    return missing;
  }

  private async open(): Promise<string> {
    const { streams } = await this.managed();
    const wanted = (this.isProvisioned ? provisionedStream : plainStream)(this.namespace, this.limits);
    try {
      let { created, config } = await streams.info(this.stream);
      const limits = limitsOf(this.limits);
      if (!this.isProvisioned && differencesOf(limits, config).length > 0)
        ({ created, config } = await this.asLimited(() => streams.update(this.stream, limits)));
      this.differences = differencesOf(wanted, config);
      return incarnationOf(created, config.metadata);
    } catch (error) {
      if (!(error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)) throw error;
      if (this.isProvisioned)
        throw new StartupError(
          'nats-stream',
          `NATS has no stream ${this.stream}`,
          "Let an operator make it: 'fledge nats provision'.",
        );
      const metadata = this.deployment === undefined ? {} : { metadata: { [DEPLOYMENT]: this.deployment } };
      const made = await this.asLimited(() => streams.add({ ...wanted, ...metadata }));
      this.differences = [];
      return incarnationOf(made.created, made.config.metadata);
    }
  }

  /** Creates or changes the stream; says what to do if there are too few servers. */
  private async asLimited<R>(work: () => Promise<R>): Promise<R> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof JetStreamApiError && TOO_FEW_SERVERS.includes(error.code))) throw error;
      const { replicas: num_replicas } = this.limits;
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
