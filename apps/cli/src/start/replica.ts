import { spawn } from 'node:child_process';
import { freePort } from '@fledge/kit/operations';
import type { LineLog } from './line-log.js';
import { SupervisedProcess } from './supervised-process.js';

/** How to start a replica. */
export interface ReplicaPlan {
  /** `inventory`, or `inventory.2` for the second of several. */
  readonly name: string;
  readonly service: string;
  /** The project's folder. */
  readonly root: string;
  /** The application's entry file. */
  readonly app: string;
  readonly topologyFile: string;
  readonly env: NodeJS.ProcessEnv;
  /** The address it listens on. */
  readonly host: string;
  /** Default: a new free port for each run. */
  readonly port?: number;
  /** Receives the origin of each run when it begins, and again when it has ended. */
  readonly onStart?: (url: string) => void;
  readonly onEnd?: (url: string) => void;
}

/**
 * A process of a service, which is restarted when it ends.
 *
 * Its entry file is run as `node main.js --topology … --service …` with `FLEDGE_PORT`. It must exit with code 78 if it
 * cannot start without a change, drain on SIGTERM, and end when its IPC channel closes, which means that this process
 * was killed.
 */
export function replicaProcess(plan: ReplicaPlan, log: LineLog): SupervisedProcess {
  let url = '';
  return new SupervisedProcess(
    {
      name: plan.name,
      start: async () => {
        const port = plan.port ?? (await freePort(plan.host));
        url = originOf(plan.host, port);
        const child = spawn(process.execPath, [plan.app, '--topology', plan.topologyFile, '--service', plan.service], {
          cwd: plan.root,
          env: { ...plan.env, FLEDGE_PORT: String(port) },
          stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
          // its own process group: Ctrl-C in the terminal reaches it only through this process, in the right order
          detached: true,
        });
        plan.onStart?.(url);
        return child;
      },
      isReady: () => saysReady(url),
      onEnd: () => plan.onEnd?.(url),
    },
    log,
  );
}

/** The URL of whatever listens on an address of this machine. */
export function originOf(host: string, port: number): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`;
  if (host === '::') return `http://[::1]:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function saysReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    // nobody listens yet
    return false;
  }
}
