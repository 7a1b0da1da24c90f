import type { Codec, CompiledEvent } from '../../boundary/index.js';
import { InvalidMessage } from '../../contract/index.js';
import type { StoredMessage } from '../../transport/index.js';
import { type ConsumerRules, type Death, type DurableConsumer, familyOf } from '../consumers/consumer.js';
import { decodeEvent } from '../consumers/discover-consumers.js';
import { UnknownVersion } from '../consumers/delivery-errors.js';
import type { StateClass } from './decorators.js';
import { storable, storableJson } from '../storage/storable.js';
import { DETAIL_CHARS_MAX, extended, failedOn, type HistoryEntry } from './history.js';
import { OpenRun, type RunContext } from './open-run.js';
import { IncompatibleState, RunFailed, RunNotStarted, UnknownTimer } from './process-errors.js';
import { type ProcessStore, type StoredRun, TIMER_PREFIX } from './process-store.js';

/** The most characters of a run's key, which is also the key of the commands that it sends. */
export const RUN_KEY_MAX = 200;

/** A method of a process that handles an event. */
export interface EventMethod {
  readonly event: CompiledEvent;
  readonly starts: boolean;
  readonly keyOf: (event: object) => unknown;
  readonly call: (event: object, run: OpenRun) => unknown;
}

/** What a process consumer needs. */
export interface ProcessParts {
  readonly rules: ConsumerRules;
  readonly state: StateClass;
  /** Validates and copies the state. */
  readonly codec: Codec;
  /** By the wire name of the event. */
  readonly events: ReadonlyMap<string, EventMethod>;
  /** By the name of the timer. */
  readonly timers: ReadonlyMap<string, (run: OpenRun) => unknown>;
  readonly context: RunContext;
  readonly store: ProcessStore;
  readonly onTimer?: (inMs: number) => void;
}

/** A message as a process sees it. */
interface Occurrence {
  readonly key: string;
  readonly what: 'event' | 'timer';
  /** The event or the timer, for the history. */
  readonly name: string;
  readonly starts: boolean;
  readonly call: (run: OpenRun) => unknown;
}

/** What a message means for its run. */
interface Standing {
  /** The run failed on this message before, and the message was sent again. */
  readonly isResumed: boolean;
  /** The run also failed on other messages, and waits for them. */
  readonly isStillFailed: boolean;
}

/**
 * A process as a consumer of events and of its own timers: loads the run under a lock, calls the method, stores the
 * results.
 */
export class ProcessConsumer implements DurableConsumer {
  readonly name: string;
  readonly kind = 'event';
  readonly takes: readonly string[];
  readonly knows: readonly string[];
  readonly rules: ConsumerRules;

  constructor(private readonly parts: ProcessParts) {
    this.name = parts.context.process;
    this.knows = [...parts.events.keys()];
    this.takes = [...new Set([...parts.events.keys()].map(familyOf))];
    this.rules = {
      ...parts.rules,
      transaction: 'kit',
      notRetryable: [...parts.rules.notRetryable, IncompatibleState, RunFailed, UnknownTimer],
    };
  }

  readonly handle = async (message: StoredMessage): Promise<void> => {
    const { store } = this.parts;
    const occurrence = this.occurrence(message);
    const { key } = occurrence;
    const stored = occurrence.starts ? await store.start(this.name, key) : await store.lock(this.name, key);
    if (!stored) return this.ignore();
    if (occurrence.what === 'timer' && !(await store.takeTimer(this.name, key, occurrence.name, message.id))) return;
    if (stored.status === 'finished') return this.noteIgnored(occurrence, stored);
    const isStillFailed = await this.refuseFailed(message, key, stored);
    if (stored.state === null && !occurrence.starts) return this.beforeStart(key, stored);
    await this.advance(occurrence, stored, {
      isResumed: await store.wasDead(this.name, stored.history, message.id),
      isStillFailed,
    });
  };

  readonly onDead = async (message: StoredMessage, { reason, history }: Death): Promise<void> => {
    const { store } = this.parts;
    const { key, starts } = this.tolerantly(message);
    const last = history.at(-1);
    const what = this.timerOf(message) ?? message.name;
    const detail = storable(`${what}: ${reason}${last ? `; ${last.code}: ${last.message}` : ''}`, DETAIL_CHARS_MAX);
    const entry = (at: Date): HistoryEntry => ({ at: at.toISOString(), what: 'failed', detail, message: message.id });
    if (starts && (await store.startFailed(this.name, key, [entry(new Date())]))) return;
    const stored = await store.lock(this.name, key);
    if (!stored || stored.status === 'finished') return;
    await store.record(this.name, key, 'failed', extended(stored.history, [entry(stored.now)]));
  };

  private async advance(
    occurrence: Occurrence,
    stored: StoredRun,
    { isResumed, isStillFailed }: Standing,
  ): Promise<void> {
    const { store, codec, context } = this.parts;
    const { key } = occurrence;
    const run = new OpenRun(context, key, this.stateOf(key, stored.state), isResumed, stored.now.toISOString());
    run.tell(stored.state === null ? 'started' : occurrence.what, occurrence.name);
    try {
      await occurrence.call(run);
    } finally {
      run.end();
    }
    const status = run.outcome !== undefined ? 'finished' : isStillFailed ? 'failed' : 'running';
    const history = extended(stored.history, run.entries);
    await store.save(this.name, key, {
      state: storableJson(codec.copy(run.state)),
      status,
      outcome: run.outcome,
      history,
      timers: run.timerChanges,
    });
    if (this.parts.onTimer)
      for (const timer of run.timerChanges.values()) if (timer !== null) this.parts.onTimer(timer.inMs);
  }

  private stateOf(key: string, state: unknown): object {
    const { codec, state: State } = this.parts;
    if (state === null) return new State();
    try {
      return codec.decode(state) as object;
    } catch (error) {
      if (error instanceof InvalidMessage) throw new IncompatibleState(this.name, key, error.violations);
      throw error;
    }
  }

  /**
   * A failed run continues when what it failed on is sent again, or was given up by hand; until then nothing else is
   * handled, unless its process skips dead letters. Returns whether dead letters remain.
   */
  private async refuseFailed(message: StoredMessage, key: string, { status, history }: StoredRun): Promise<boolean> {
    if (status !== 'failed') return false;
    const failed = failedOn(history);
    const remain = await this.parts.store.hasDead(
      this.name,
      failed.filter((id) => id !== message.id),
    );
    if (remain && !failed.includes(message.id) && this.rules.onDead === 'block') throw new RunFailed(this.name, key);
    return remain;
  }

  private occurrence(message: StoredMessage): Occurrence {
    const timer = this.timerOf(message);
    if (timer !== undefined) {
      const call = this.parts.timers.get(timer);
      if (!call) throw new UnknownTimer(this.name, timer);
      return { key: message.key, what: 'timer', name: timer, starts: false, call };
    }
    const method = this.parts.events.get(message.name);
    if (!method) throw new UnknownVersion(this.name, message.name);
    const event = decodeEvent(method.event, message);
    const key = runKey(this.name, message.name, method.keyOf(event));
    return { key, what: 'event', name: message.name, starts: method.starts, call: (run) => method.call(event, run) };
  }

  /** The run that a dead letter was for, as far as it can be determined. */
  private tolerantly(message: StoredMessage): { readonly key: string; readonly starts: boolean } {
    try {
      return this.occurrence(message);
    } catch {
      // the dead letter's own history says what is wrong with it
      return { key: message.key, starts: false };
    }
  }

  private timerOf({ name, source }: StoredMessage): string | undefined {
    return source === this.parts.context.module && name.startsWith(TIMER_PREFIX)
      ? name.slice(TIMER_PREFIX.length)
      : undefined;
  }

  /**
   * Its first event was a dead letter: if it is being sent again, it will start the run; if it was given up, it never
   * will.
   */
  private async beforeStart(key: string, { history: [first] }: StoredRun): Promise<void> {
    if (first?.message !== undefined && (await this.parts.store.isWaiting(this.name, first.message)))
      throw new RunNotStarted(this.name, key);
    this.ignore();
  }

  private ignore(): void {}

  private async noteIgnored(occurrence: Occurrence, stored: StoredRun): Promise<void> {
    this.ignore();
    const entry: HistoryEntry = { at: stored.now.toISOString(), what: 'ignored', detail: occurrence.name };
    await this.parts.store.record(this.name, occurrence.key, 'finished', extended(stored.history, [entry]));
  }
}

function runKey(process: string, event: string, key: unknown): string {
  if (typeof key === 'string' && key.length > 0 && key.length <= RUN_KEY_MAX && !key.includes('\0')) return key;
  throw new InvalidMessage(event, [
    { path: '', rule: 'key', message: `must name the run of ${process} by a text of 1 to ${RUN_KEY_MAX} characters` },
  ]);
}
