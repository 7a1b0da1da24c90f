/** The part of a group's work that is this replica's. */
export interface Assignment {
  readonly group: string;
  /** The parts that this replica has now, and may work on. */
  readonly held: ReadonlySet<number>;
  /** Calls `listener` whenever `held` has changed. */
  onChange(listener: () => void): void;
  /** Whether a part is held, or is let go of only when what was under way has ended: no other replica has it. */
  keeps(part: number): boolean;
  /** Asks whether nothing is under way any more on a part that is to be let go of. Default: nothing ever is. */
  onRelease(mayGo: (part: number) => boolean): void;
  /**
   * Takes no more, and lets go of the parts on which nothing is under way; of the others when it is called again, or at
   * a beat. Never rejects.
   */
  letGo(): Promise<void>;
  /** Lets go of all parts and takes no more. Never rejects. */
  leave(): Promise<void>;
}

/** What a share needs of the membership that it belongs to. */
export interface ShareKeeper {
  beat(): Promise<void>;
  leave(share: Share): void;
}

/** One group of work as this replica takes part in it. */
export class Share implements Assignment {
  readonly held = new Set<number>();
  /** Not this replica's any more, and let go of when what was under way has ended. */
  private readonly shedding = new Set<number>();
  /** This replica's, as soon as no other one keeps them. */
  private waiting = 0;
  /** Takes no more. */
  isRetiring = false;
  private mayGo: (part: number) => boolean = () => true;
  private readonly listeners: (() => void)[] = [];

  constructor(
    readonly group: string,
    readonly parts: number,
    private readonly keeper: ShareKeeper,
  ) {}

  /** Whether nothing is about to change hands. */
  get isSettled(): boolean {
    return this.shedding.size === 0 && this.waiting === 0;
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  keeps(part: number): boolean {
    return this.held.has(part) || this.shedding.has(part);
  }

  onRelease(mayGo: (part: number) => boolean): void {
    this.mayGo = mayGo;
  }

  async letGo(): Promise<void> {
    this.isRetiring = true;
    this.shed([...this.held]);
    await this.keeper.beat();
  }

  async leave(): Promise<void> {
    this.isRetiring = true;
    this.clear();
    await this.keeper.beat();
    this.keeper.leave(this);
  }

  /** What others may not have yet, as the replica's row names it. */
  kept(): string[] {
    for (const part of this.shedding) if (this.mayGo(part)) this.shedding.delete(part);
    return [...this.shedding].map((part) => this.nameOf(part));
  }

  nameOf(part: number): string {
    return `${this.group}:${part}`;
  }

  /** Comes to what is this replica's: takes at once what nobody else keeps. */
  settle(own: ReadonlySet<number>, isFree: (part: number) => boolean): void {
    this.shed([...this.held].filter((part) => !own.has(part)));
    const before = this.held.size;
    this.waiting = 0;
    for (const part of own) {
      if (this.held.has(part)) continue;
      // what was to be handed over and is not yet is nobody else's
      if (this.shedding.delete(part) || isFree(part)) this.held.add(part);
      else this.waiting += 1;
    }
    if (this.held.size !== before) this.changed();
  }

  /** All parts may be another replica's now. */
  clear(): void {
    const had = this.held.size + this.shedding.size;
    this.held.clear();
    this.shedding.clear();
    this.waiting = 0;
    if (had > 0) this.changed();
  }

  /** Begins nothing on parts any more. */
  private shed(parts: readonly number[]): void {
    if (parts.length === 0) return;
    for (const part of parts) {
      this.held.delete(part);
      this.shedding.add(part);
    }
    this.changed();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}
