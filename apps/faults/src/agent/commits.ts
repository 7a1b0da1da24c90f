import pg from 'pg';

/** Makes commits of this process fail as the lab orders. Every client of every pool goes through this. */
export class Commits {
  conflicts = 0;
  lost = 0;

  constructor(private readonly tell: (did: 'conflict' | 'lost-commit') => void) {
    const prototype = pg.Client.prototype as unknown as Record<'query', (...args: unknown[]) => unknown>;
    const query = prototype.query;
    // for eslint's rule on `this` in a patched method: it is the client on which TypeORM or the kit calls it
    const failing = this.failing.bind(this);
    prototype.query = function patched(this: pg.Client, ...args: unknown[]): unknown {
      const failure =
        args[0] === 'COMMIT' ? failing(this, (text) => query.call(this, text) as Promise<unknown>) : undefined;
      if (failure === undefined) return query.apply(this, args);
      const callback = args.find((arg): arg is (error: unknown) => void => typeof arg === 'function');
      if (callback === undefined) return failure;
      failure.catch(callback);
      return undefined;
    };
  }

  private failing(client: pg.Client, run: (text: string) => Promise<unknown>): Promise<never> | undefined {
    if (this.conflicts > 0) {
      this.conflicts -= 1;
      this.tell('conflict');
      return run('ROLLBACK').then(() => {
        throw Object.assign(new Error('could not serialize access due to concurrent update'), {
          code: '40001',
          severity: 'ERROR',
        });
      });
    }
    if (this.lost === 0) return undefined;
    this.lost -= 1;
    this.tell('lost-commit');
    return run('COMMIT').then(() => {
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
      throw new Error('Connection terminated unexpectedly');
    });
  }
}
