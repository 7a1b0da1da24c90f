/** This replica's part of a group's work. */
export interface Assignment {
  readonly group: string;
  /** The parts that this replica holds now and may work on. */
  readonly held: ReadonlySet<number>;
  /** Calls `listener` whenever `held` has changed. */
  onChange(listener: () => void): void;
  /** Whether a part is held, or still being finished before it is released: no other replica has it. */
  keeps(part: number): boolean;
  /**
   * Sets the check whether nothing is in progress any more on a part that is to be released. Default: nothing ever is.
   */
  onRelease(mayGo: (part: number) => boolean): void;
  /**
   * Takes no more parts, and releases those on which nothing is in progress; the others when it is called again, or at
   * a heartbeat. Never rejects.
   */
  letGo(): Promise<void>;
  /** Releases all parts and takes no more. Never rejects. */
  leave(): Promise<void>;
}

/** What a share needs from its membership. */
export interface ShareKeeper {
  beat(): Promise<void>;
  leave(share: Share): void;
}

/** One group of work, from this replica's side. */
export class Share implements Assignment {
  readonly held = new Set<number>();
  /** Parts no longer assigned to this replica, released when the work in progress has ended. */
  private readonly shedding = new Set<number>();
  /** How many parts are assigned to this replica but still kept by another. */
  private waiting = 0;
  /** Whether it takes no more parts. */
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

  /** The parts that others may not take yet, as the replica's row names them. */
  kept(): string[] {
    for (const part of this.shedding) if (this.mayGo(part)) this.shedding.delete(part);
    return [...this.shedding].map((part) => this.nameOf(part));
  }

  nameOf(part: number): string {
    return `${this.group}:${part}`;
  }

  /** Moves towards the assigned parts: takes at once those that nobody else keeps. */
  settle(own: ReadonlySet<number>, isFree: (part: number) => boolean): void {
    this.shed([...this.held].filter((part) => !own.has(part)));
    const before = this.held.size;
    this.waiting = 0;
    for (const part of own) {
      if (this.held.has(part)) continue;
      // a part that was to be handed over but is not yet cannot belong to anybody else
      if (this.shedding.delete(part) || isFree(part)) this.held.add(part);
      else this.waiting += 1;
    }
    if (this.held.size !== before) this.changed();
  }

  /** Drops all parts: another replica may have them now. */
  clear(): void {
    const had = this.held.size + this.shedding.size;
    this.held.clear();
    this.shedding.clear();
    this.waiting = 0;
    if (had > 0) this.changed();
  }

  /** Begins nothing new on these parts. */
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
