/** Lets a few in at a time; the others wait in line, and nobody may join a line that is full. */
export class Gate {
  private inside = 0;
  private readonly line: (() => void)[] = [];

  /**
   * @param insideMax how many may be inside at once.
   * @param waitingMax how many may wait.
   * @param full the error of who comes when the line is full.
   */
  constructor(
    private readonly insideMax: number,
    private readonly waitingMax: number,
    private readonly full: () => Error,
  ) {}

  /** Runs `work` when it is its turn, first come first served. Rejects at once with `full()` when the line is. */
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
    // Whoever leaves hands over the place, so nobody slips in between.
    await new Promise<void>((resolve) => this.line.push(resolve));
  }

  private leave(): void {
    const next = this.line.shift();
    if (next) next();
    else this.inside--;
  }
}
