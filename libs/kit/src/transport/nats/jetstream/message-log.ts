import { jetstream, JetStreamApiCodes, JetStreamApiError, type JetStreamClient, type JetStreamManager, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import { StartupError } from '../../../contract/index.js';

/** How long messages are kept in the broker, in milliseconds. Default three days: as long as outboxes keep what was sent. */
export const LOG_AGE_DEFAULT_MS = 3 * 86_400_000;
/** In which window the broker itself knows a message again, in milliseconds. What comes later is known again by the inbox. */
export const DUPLICATE_WINDOW_MS = 120_000;

/** The parts of a message's subject; no module's name starts with an underscore, so they never meet those of calls. */
export type LogKind = 'event' | 'command';

/**
 * The JetStream stream of one namespace, which all modules write to and read from: file storage, limited by age. It is made when
 * it is missing, by whoever comes first; one that lost its store is another one, with another `incarnation`.
 */
export class MessageLog {
  readonly stream: string;
  readonly client: JetStreamClient;
  private manager: Promise<JetStreamManager> | undefined;
  private known: Promise<string> | undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly namespace: string,
    private readonly ageMs: number = LOG_AGE_DEFAULT_MS,
    private readonly duplicateWindowMs: number = DUPLICATE_WINDOW_MS,
  ) {
    this.stream = `${namespace}-messages`;
    this.client = jetstream(connection, { timeout: 5_000 });
  }

  /** Where a message is written: `shop._event.ordering.order-placed.v1`. */
  subject(kind: LogKind, wireName: string): string {
    return `${this.namespace}._${kind}.${wireName}`;
  }

  /** When the stream was made, which names its life. Makes it when it is missing. Asked of the broker once, and again after `forget`. */
  incarnation(): Promise<string> {
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
    return (await (await this.managed()).streams.info(this.stream)).state.last_seq;
  }

  private async open(): Promise<string> {
    const { streams } = await this.managed();
    try {
      return (await streams.info(this.stream)).created;
    } catch (error) {
      if (!(error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)) throw error;
      const made = await streams.add({
        name: this.stream,
        subjects: [`${this.namespace}._event.>`, `${this.namespace}._command.>`],
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
        max_age: nanos(this.ageMs),
        duplicate_window: nanos(Math.min(this.duplicateWindowMs, this.ageMs)),
      });
      return made.created;
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
