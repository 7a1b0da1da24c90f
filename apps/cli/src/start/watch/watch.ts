import type { ChildProcess } from 'node:child_process';
import type { Topology } from '@fledge/kit/operations';
import type { Project } from '../../project.js';
import type { LineLog } from '../line-log.js';
import { replicaNames } from '../local-run.js';
import type { Launch } from '../replica.js';
import { BuildWatch } from './build-watch.js';
import { CodeWatch, type Restarts } from './code-watch.js';
import { Spare } from './spare.js';
import { TopologyWatch } from './topology-watch.js';

/** All that `fledge start --watch` adds to a start. */
export class Watch {
  private readonly spare = new Spare();
  private readonly builds: BuildWatch;
  private code: CodeWatch | undefined;
  private file: TopologyWatch | undefined;

  constructor(
    private readonly project: Project,
    private readonly log: LineLog,
  ) {
    this.builds = new BuildWatch(project, log, (changed) => {
      void this.code?.changed(changed);
      this.file?.built();
    });
  }

  /** Builds for the first time, and from now on whenever sources change; resolves when there is no error. */
  build(): Promise<void> {
    return this.builds.start();
  }

  /** Starts the process of a replica. */
  launch(launch: Launch): ChildProcess {
    return this.spare.launch(launch);
  }

  /** Restarts the services of a run from now on. */
  attach(run: Restarts, topology: Topology): void {
    const serviceOf = new Map(
      topology.services.flatMap((service) => replicaNames(service).map((name) => [name, service.name])),
    );
    const code = new CodeWatch(this.project.root, run, this.spare, this.log, serviceOf);
    this.code = code;
    this.file = new TopologyWatch(this.project, topology, this.log, (services) => code.restart(services));
  }

  /** Called when everything is ready: now there is time to prepare for the first change. */
  started(): void {
    this.spare.refill();
  }

  stop(): void {
    this.code = undefined;
    this.builds.stop();
    this.spare.stop();
    this.file?.stop();
  }
}
