import type { ChildProcess } from 'node:child_process';
import { INSPECT_HOST, type Launch, launch } from '../replica.js';

/** What a watched process tells this one: the files and the packages that it has loaded since it last did. */
export interface FromWatched {
  readonly fledgeLoaded: { readonly files: readonly string[]; readonly packages: readonly string[] };
}

/** What a spare process is told: which packages to load, and later what to be. */
export interface ToSpare {
  readonly be: {
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly inspectPort?: number;
    readonly inspectHost: string;
  };
}

/** Packages that take long to load, and whose loading has no effect of its own. */
const HEAVY =
  /\/node_modules\/(?:@nestjs\/|@fledge\/|@fastify\/|@nats-io\/|fastify\/|express\/|typeorm\/|pg\/|rxjs\/|class-transformer\/|class-validator\/|reflect-metadata\/)/;
/**
 * Tools that change packages while these are loaded: they must be loaded first, and only the application can do that.
 */
const INSTRUMENTS =
  /\/node_modules\/(?:@opentelemetry\/(?!api\/)|@sentry\/|dd-trace\/|elastic-apm-node\/|newrelic\/|(?:import|require)-in-the-middle\/)/;
const WATCHED = new URL('./watched-process.js', import.meta.url).href;

/**
 * Starts the processes of services, which tell which files they load. One process is kept in reserve that has loaded
 * the heavy packages already: a service whose code changed goes on in it, and is ready in a fraction of the time.
 */
export class Spare {
  private readonly loaded = new Map<string, Set<string>>();
  private readonly packages = new Set<string>();
  private reserve: { readonly child: ChildProcess; readonly app: string; readonly env: NodeJS.ProcessEnv } | undefined;
  /** How the last process was started. */
  private template: Launch | undefined;
  private stopped = false;

  /** The replicas that have loaded a file, now or in an earlier run. */
  usersOf(file: string): string[] {
    return [...this.loaded].filter(([, files]) => files.has(file)).map(([name]) => name);
  }

  /** Starts a process of a replica. */
  launch(plan: Launch): ChildProcess {
    this.template = plan;
    const child = this.take(plan) ?? launch(plan, ['--import', WATCHED]);
    child.on('message', (message: Partial<FromWatched>) => this.note(plan.name, message));
    return child;
  }

  /** Prepares a process for the next start, unless there is one. */
  refill(): void {
    const { template } = this;
    if (this.stopped || !template || this.reserve || [...this.packages].some((url) => INSTRUMENTS.test(url))) return;
    const warm = [...this.packages].filter((url) => HEAVY.test(url));
    if (warm.length === 0) return;
    // it may become any service, and secrets belong to one
    const env = Object.fromEntries(Object.entries(template.env).filter(([name]) => !template.secrets?.includes(name)));
    const child = launch({ ...template, args: [], env: { ...env, FLEDGE_SPARE: '1' }, inspectPort: undefined }, [
      '--import',
      WATCHED,
    ]);
    const reserve = { child, app: template.app, env };
    this.reserve = reserve;
    const forget = (): void => void (this.reserve === reserve && (this.reserve = undefined));
    child.once('error', forget).once('exit', forget);
    child.send({ warm }, ifFailed(forget));
  }

  /** Ends the spare process. */
  stop(): void {
    this.stopped = true;
    this.reserve?.child.kill('SIGKILL');
    this.reserve = undefined;
  }

  private take(plan: Launch): ChildProcess | undefined {
    const { reserve } = this;
    if (!reserve?.child.connected || reserve.app !== plan.app) return undefined;
    this.reserve = undefined;
    const env = Object.fromEntries(
      Object.entries(plan.env).filter(
        (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== reserve.env[entry[0]],
      ),
    );
    const be: ToSpare['be'] = {
      args: plan.args,
      env,
      ...(plan.inspectPort !== undefined && { inspectPort: plan.inspectPort }),
      inspectHost: INSPECT_HOST,
    };
    const { child } = reserve;
    // a spare process that cannot be reached is useless; when it ends, another one starts
    child.send(
      { be },
      ifFailed(() => child.kill('SIGKILL')),
    );
    return child;
  }

  private note(name: string, { fledgeLoaded }: Partial<FromWatched>): void {
    if (!fledgeLoaded) return;
    const files = this.loaded.get(name) ?? new Set();
    this.loaded.set(name, files);
    for (const file of fledgeLoaded.files) files.add(file);
    for (const url of fledgeLoaded.packages) this.packages.add(url);
  }
}

function ifFailed(act: () => void): (error: Error | null) => void {
  return (error) => void (error && act());
}
