import type { Carrier, Intake, Sent, StoredMessage } from '../carrier.js';

/** What a module of this process has published and keeps, for consumers that begin with the past. */
export interface Archive {
  readonly module: string;
  /** Messages of these names (without version), oldest first, in portions. */
  read(names: readonly string[]): AsyncIterable<readonly StoredMessage[]>;
}

/**
 * Carries messages between modules of one process: from the outbox straight to each module that takes them. A message is accepted when
 * all of them have handled or stored it.
 */
export class LocalCarrier implements Carrier {
  readonly name = 'local';
  private readonly intakes = new Map<string, Intake>();
  private readonly archives: Archive[] = [];
  private readonly accepting = new Set<Promise<unknown>>();
  private stopped = false;

  /** Lets new consumers read what a module has sent. */
  keep(archive: Archive): void {
    this.archives.push(archive);
  }

  async send(_source: string, messages: readonly StoredMessage[], isFirst = false): Promise<Sent> {
    if (this.stopped) return { accepted: new Set(), failure: new Error('the modules of this process take no more messages') };
    const homeless = messages.find((message) => !this.hasHome(message));
    const others = homeless === undefined ? messages : this.beforeHomeless(messages);
    const work = Promise.all([...this.intakes.values()].map((intake) => offer(intake, others, isFirst)));
    this.accepting.add(work);
    try {
      await work;
      const accepted = new Set(others.map((message) => message.id));
      return homeless === undefined ? { accepted } : { accepted, failure: new Error(`${homeless.name} is for ${homeless.target}, which does not take messages in this process`) };
    } catch (failure) {
      return { accepted: new Set(), failure };
    } finally {
      this.accepting.delete(work);
    }
  }

  /** Without those that no module here takes, and what comes after one of its key. */
  private beforeHomeless(messages: readonly StoredMessage[]): StoredMessage[] {
    const stuck = new Set<string>();
    return messages.filter((message) => {
      if (!this.hasHome(message)) stuck.add(message.key);
      return !stuck.has(message.key);
    });
  }

  private hasHome({ kind, target }: StoredMessage): boolean {
    return kind === 'event' || this.intakes.has(target ?? '');
  }

  /** There is no log between the outbox and the inbox that could be lost. */
  incarnation(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  subscribe(intake: Intake): Promise<void> {
    this.intakes.set(intake.module, intake);
    return Promise.resolve();
  }

  async *history(_intake: Intake, names: readonly string[]): AsyncIterable<readonly StoredMessage[]> {
    for (const archive of this.archives) yield* archive.read(names);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.allSettled(this.accepting);
  }
}

async function offer(intake: Intake, messages: readonly StoredMessage[], isFirst: boolean): Promise<void> {
  const wanted = messages.filter((message) => intake.wants(message));
  if (wanted.length === 0) return;
  if (isFirst && intake.handOver) await intake.handOver(wanted);
  else await intake.accept(wanted);
}
