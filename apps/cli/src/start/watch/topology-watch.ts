import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { FledgeError, type Topology } from '@fledge/kit/operations';
import { checkTopology, type Project, readTopology } from '../../project.js';
import type { LineLog } from '../line-log.js';

const LOOK_EVERY_MS = 300;
const FLEDGE = 'fledge';
/** The code of every error that is about the text of a topology. */
const OF_THE_FILE = 'fledge.startup.topology';

/** Watches a topology file: restarts the services whose settings it changes, and says when that is not enough. */
export class TopologyWatch {
  private text: string;
  private busy: Promise<void> = Promise.resolve();
  private readonly look = (): void => void (this.busy = this.busy.then(() => this.compare()));

  constructor(
    private readonly project: Project,
    private topology: Topology,
    private readonly log: LineLog,
    private readonly restart: (services: readonly string[]) => Promise<void>,
  ) {
    this.text = this.read();
    // by its times, not by events: editors replace a file, and then the events of the old one end
    watchFile(topology.file, { interval: LOOK_EVERY_MS }, this.look);
  }

  /** Tries a change again that could not be read, because a build was half written. */
  built(): void {
    this.look();
  }

  stop(): void {
    unwatchFile(this.topology.file, this.look);
  }

  private read(): string {
    try {
      return readFileSync(this.topology.file, 'utf8');
    } catch {
      // an editor is replacing it, or it was removed: neither concerns what runs
      return this.text;
    }
  }

  private async compare(): Promise<void> {
    const text = this.read();
    if (text === this.text) return;
    const { project, log } = this;
    const { file } = this.topology;
    try {
      const [{ topology }] = await Promise.all([readTopology(project, file), checkTopology(project, file)]);
      this.text = text;
      await this.apply(topology);
    } catch (error) {
      const isOfFile = error instanceof FledgeError && error.code === OF_THE_FILE;
      // else the application could not be asked
      if (isOfFile) this.text = text;
      for (const line of (error instanceof FledgeError ? error.message : String(error)).split('\n'))
        log.print(FLEDGE, line);
      log.print(FLEDGE, `what runs goes on without the change of ${file}${isOfFile ? '' : ' until the next build'}`);
    }
  }

  private async apply(topology: Topology): Promise<void> {
    const { file } = topology;
    const changed = PARTS.filter((part) => differs(this.topology[part], topology[part]));
    const fixed = changed.filter((part) => TAKES[part] === 'start');
    if (fixed.length > 0)
      return this.log.print(FLEDGE, `${file}: ${fixed.join(', ')} changed: stop this and start it again to use that`);
    const all = changed.length > 0;
    const services = topology.services
      .filter(
        ({ modules }) => all || modules.some((name) => differs(this.topology.settings[name], topology.settings[name])),
      )
      .map(({ name }) => name);
    this.topology = topology;
    if (services.length === 0) return;
    this.log.print(FLEDGE, `${file} changed: restarting ${services.join(', ')}`);
    await this.restart(services);
  }
}

/** What of a topology decides more than the settings of single modules. */
type Part = Exclude<keyof Topology, 'file' | 'places' | 'settings'>;

/** What a change of a part takes: another start, since servers, ports, keys and processes depend on it; or a restart. */
const TAKES: Readonly<Record<Part, 'start' | 'restart'>> = {
  namespace: 'start',
  deployment: 'start',
  transport: 'start',
  transports: 'start',
  nats: 'start',
  database: 'start',
  http: 'start',
  trust: 'start',
  services: 'start',
  secrets: 'start',
  drain: 'restart',
  calls: 'restart',
  retention: 'restart',
  production: 'restart',
};
const PARTS = Object.keys(TAKES) as readonly Part[];

function differs(before: unknown, after: unknown): boolean {
  return JSON.stringify(before) !== JSON.stringify(after);
}
