import { relative } from 'node:path';
import type { LineLog } from '../line-log.js';
import { BUILD } from './build-watch.js';
import type { Spare } from './spare.js';

const FILES_SHOWN_MAX = 3;

/** What restarts services. */
export interface Restarts {
  restart(service: string): Promise<boolean>;
}

/** Restarts the services whose code a build has changed. */
export class CodeWatch {
  constructor(
    private readonly root: string,
    private readonly run: Restarts,
    private readonly spare: Spare,
    private readonly log: LineLog,
    /** The service of each replica. */
    private readonly serviceOf: ReadonlyMap<string, string>,
  ) {}

  /** Restarts each service that has loaded one of these files, once; says which, and how long it took. */
  async changed(files: readonly string[]): Promise<void> {
    if (files.length === 0) return;
    const users = files.flatMap((file) => this.spare.usersOf(file)).map((name) => this.serviceOf.get(name) ?? name);
    const services = [...new Set(users)].sort();
    const what = this.describe(files);
    if (services.length === 0) return this.log.print(BUILD, `${what}: no service has loaded that`);
    this.log.print(BUILD, `${what}: restarting ${services.join(', ')}`);
    await this.restart(services);
  }

  /** Restarts services together, and says how long each took. */
  async restart(services: readonly string[]): Promise<void> {
    const since = performance.now();
    await Promise.all(
      services.map(async (service) => {
        if (await this.run.restart(service))
          this.log.print(BUILD, `${service} runs the new code after ${Math.round(performance.now() - since)} ms`);
      }),
    );
    this.spare.refill();
  }

  private describe(files: readonly string[]): string {
    const names = files.slice(0, FILES_SHOWN_MAX).map((file) => relative(this.root, file));
    const more = files.length - names.length;
    return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''} changed`;
  }
}
