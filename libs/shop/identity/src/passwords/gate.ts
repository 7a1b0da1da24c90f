/** Limits concurrency: lets a few in at a time; the others wait in a line of limited length. */
export class Gate {
  private inside = 0;
  private readonly line: (() => void)[] = [];

  /**
   * @param insideMax how many may be inside at once.
   * @param waitingMax how many may wait.
   * @param full creates the error for callers that find the line full.
   */
  constructor(
    private readonly insideMax: number,
    private readonly waitingMax: number,
    private readonly full: () => Error,
  ) {}

  /** Runs `work` when its turn comes, first come first served. Rejects at once with `full()` if the line is full. */
  async pass<R>(work: () => Promise<R>): Promise<R> {
    await this.enter();
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private async enter(): Promise<void> {
    if (this.inside < this.insideMax) {
      this.inside++;
      return;
    }
    if (this.line.length >= this.waitingMax) throw this.full();
    // Whoever leaves passes on the place, so that nobody can jump the line.
    await new Promise<void>((resolve) => this.line.push(resolve));
  }

  private leave(): void {
    const next = this.line.shift();
    if (next) next();
    else this.inside--;
  }
}
