import { jetstream, JetStreamApiCodes, JetStreamApiError, type JetStreamClient, type JetStreamManager, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import { StartupError } from '../../../contract/index.js';

/** What the broker keeps of messages. */
export interface LogLimits {
  /** How long it keeps them, in milliseconds. Default three days: as long as outboxes keep what was sent. */
  readonly maxAgeMs?: number | undefined;
  /** In which window it knows a message again by itself, in milliseconds. Default two minutes. What comes later is known again by the inbox. */
  readonly duplicateWindowMs?: number | undefined;
}

const MAX_AGE_DEFAULT_MS = 3 * 86_400_000;
/** One that somebody deletes and makes anew while all stay connected is noticed so late. */
const ASK_AGAIN_MS = 5_000;
const DUPLICATE_WINDOW_DEFAULT_MS = 120_000;

/** In the stream's metadata: when it was found to have lost messages. */
const LIFE = 'fledge-life';

/** The parts of a message's subject; no module's name starts with an underscore, so they never meet those of calls. */
export type LogKind = 'event' | 'command';

/**
 * The JetStream stream of one namespace, which all modules write to and read from: file storage, limited by age. It is made when
 * it is missing, by whoever comes first; one that lost its store is another one, with another `incarnation`. Limits that differ
 * from those of the process that opens it are set anew: the one that came last counts.
 *
 * A server that lost power may come back without its newest messages, as the same stream. Who notices begins its life anew, so that
 * relays send again what they had sent, and receivers read it from its beginning and know what they have.
 */
export class MessageLog {
  readonly stream: string;
  readonly client: JetStreamClient;
  private readonly limits: { readonly max_age: number; readonly duplicate_window: number };
  private manager: Promise<JetStreamManager> | undefined;
  private known: Promise<string> | undefined;
  /** The highest sequence that the broker has confirmed to this process in this life of the stream. */
  private written = 0;
  private made: string | undefined;
  private askedAt = 0;

  constructor(
    private readonly connection: NatsConnection,
    private readonly namespace: string,
    { maxAgeMs = MAX_AGE_DEFAULT_MS, duplicateWindowMs = DUPLICATE_WINDOW_DEFAULT_MS }: LogLimits = {},
  ) {
    // The broker refuses a window that is longer than the age.
    this.limits = { max_age: nanos(maxAgeMs), duplicate_window: nanos(Math.min(duplicateWindowMs, maxAgeMs)) };
    this.stream = `${namespace}-messages`;
    this.client = jetstream(connection, { timeout: 5_000 });
  }

  /** Where a message is written: `shop._event.ordering.order-placed.v1`. */
  subject(kind: LogKind, wireName: string): string {
    return `${this.namespace}._${kind}.${wireName}`;
  }

  /** When the stream was made, or last found to have lost messages, which names its life. Makes it when it is missing. Asked of the broker again after some seconds, and after `forget`. */
  incarnation(): Promise<string> {
    const now = performance.now();
    if (now - this.askedAt > ASK_AGAIN_MS) this.known = undefined;
    if (this.known === undefined) this.askedAt = now;
    return (this.known ??= this.open().catch((error: unknown) => {
      this.known = undefined;
      throw error;
    }));
  }

  /** The stream may be another one: the connection was lost, or a message could not be stored. */
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

  /** The broker has confirmed a message. */
  wrote(sequence: number): void {
    if (sequence > this.written) this.written = sequence;
  }

  /** What was written to the stream is not all there any more: gives it another incarnation. */
  async beginAnew(): Promise<void> {
    const { streams } = await this.managed();
    const { config } = await streams.info(this.stream);
    await streams.update(this.stream, { metadata: { ...config.metadata, [LIFE]: new Date().toISOString() } });
    this.written = 0;
    this.forget();
  }

  private async open(): Promise<string> {
    const { streams } = await this.managed();
    try {
      const { created, config, state } = await streams.info(this.stream);
      if (created !== this.made) this.written = 0;
      this.made = created;
      if (state.last_seq < this.written) {
        await this.beginAnew();
        return await this.open();
      }
      if (config.max_age !== this.limits.max_age || config.duplicate_window !== this.limits.duplicate_window) await streams.update(this.stream, this.limits);
      return incarnationOf(created, config.metadata);
    } catch (error) {
      if (!(error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)) throw error;
      const made = await streams.add({
        name: this.stream,
        subjects: [`${this.namespace}._event.>`, `${this.namespace}._command.>`],
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
        ...this.limits,
      });
      this.written = 0;
      this.made = made.created;
      return incarnationOf(made.created, made.config.metadata);
    }
  }

  private managed(): Promise<JetStreamManager> {
    return (this.manager ??= jetstreamManager(this.connection, { timeout: 5_000 }).catch((error: unknown) => {
      this.manager = undefined;
      if (error instanceof Error && error.name === 'JetStreamNotEnabled') {
        throw new StartupError('jetstream', 'the NATS server has no JetStream, which keeps the messages between modules', "Start it with '--jetstream --store_dir <folder>'.");
      }
      throw error;
    }));
  }
}

function incarnationOf(created: string, metadata: Readonly<Record<string, string>> | undefined): string {
  const life = metadata?.[LIFE];
  return life === undefined ? created : `${created} ${life}`;
}
