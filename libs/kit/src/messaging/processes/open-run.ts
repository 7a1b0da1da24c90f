import type { Catalogue } from '../../boundary/index.js';
import { type Class, UndeclaredDependency } from '../../contract/index.js';
import { TransactionOver } from '../../data/index.js';
import { currentHeaders, type Outbox } from '../outbox/outbox.js';
import { storable } from '../storage/storable.js';
import { DETAIL_CHARS_MAX, type Happening, type HistoryEntry } from './history.js';
import { TimerOutOfBounds, UnknownTimer } from './process-errors.js';
import type { TimerChange } from './process-store.js';
import type { Run } from './run.js';

/** The longest time of a timer, in milliseconds: a year. */
export const TIMER_MAX_MS = 31_536_000_000;
const OUTCOME_CHARS_MAX = 200;

/** What the runs of a process share. */
export interface RunContext {
  readonly process: string;
  readonly module: string;
  /** The module's own name and those in its `uses`. */
  readonly reachable: ReadonlySet<string>;
  readonly timers: ReadonlySet<string>;
  readonly catalogue: Catalogue;
  readonly outbox: Pick<Outbox, 'addCommand'>;
}

/** A run while one of its methods works on it: collects what is to be stored when the method has ended. */
export class OpenRun implements Run<object> {
  readonly entries: HistoryEntry[] = [];
  /** By the name of the timer: how it is set, or `null` to cancel it. */
  readonly timerChanges = new Map<string, TimerChange | null>();
  outcome: string | undefined;
  private over = false;

  constructor(
    private readonly context: RunContext,
    readonly key: string,
    readonly state: object,
    readonly isResumed: boolean,
    private readonly at: string,
  ) {}

  send(command: object): void {
    this.refuseOver();
    const { catalogue, module, reachable, outbox } = this.context;
    const compiled = catalogue.message(command.constructor as Class);
    if (compiled && !reachable.has(compiled.module)) throw new UndeclaredDependency(module, compiled.name);
    outbox.addCommand(command, this.key);
    this.tell('sent', compiled?.name ?? command.constructor.name);
  }

  setTimer(name: string, inMs: number): void {
    this.refuseOver();
    this.refuseUnknown(name);
    if (!(inMs >= 0 && inMs <= TIMER_MAX_MS)) throw new TimerOutOfBounds(this.context.process, name, inMs);
    this.timerChanges.set(name, { inMs, headers: currentHeaders() });
    this.tell('timer set', `${name} in ${inMs} ms`);
  }

  cancelTimer(name: string): void {
    this.refuseOver();
    this.refuseUnknown(name);
    this.timerChanges.set(name, null);
    this.tell('timer cancelled', name);
  }

  note(text: string): void {
    this.refuseOver();
    this.tell('note', text);
  }

  finish(outcome: string): void {
    this.refuseOver();
    this.outcome = storable(outcome, OUTCOME_CHARS_MAX);
    this.tell('finished', outcome);
  }

  /** Invalidates the run: what its method left running can no longer use it. */
  end(): void {
    this.over = true;
  }

  tell(what: Happening, detail: string): void {
    this.entries.push({ at: this.at, what, detail: storable(detail, DETAIL_CHARS_MAX) });
  }

  private refuseOver(): void {
    if (this.over) throw new TransactionOver();
  }

  private refuseUnknown(timer: string): void {
    if (!this.context.timers.has(timer)) throw new UnknownTimer(this.context.process, timer);
  }
}
