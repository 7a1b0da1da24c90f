import { type ChildProcess, spawn } from 'node:child_process';
import { freePort } from '@fledge/kit/operations';
import type { LineLog } from './line-log.js';
import { SupervisedProcess } from './supervised-process.js';

/** Inspectors listen on this machine only: who reaches one can run anything. */
export const INSPECT_HOST = '127.0.0.1';

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
  /** Its variables that no other service may have. Default: none. */
  readonly secrets?: readonly string[];
  /** The address it listens on. */
  readonly host: string;
  /** Default: a new free port for each run. */
  readonly port?: number;
  /** The port of its inspector. Default: none. */
  readonly inspectPort?: number;
  /** Starts its process. Default: `launch`. */
  readonly launch?: (launch: Launch) => ChildProcess;
  /** Left ended if it ended before it was ready, until it is restarted: its code is being changed. Default false. */
  readonly waitsForChange?: boolean;
  /** Receives the origin of each run when it begins, when it is about to be restarted, and when it has ended. */
  readonly onStart?: (url: string) => void;
  readonly onRestart?: (url: string) => void;
  readonly onEnd?: (url: string) => void;
}

/** How to start the process of a replica once. */
export interface Launch {
  /** The name of the replica. */
  readonly name: string;
  /** The project's folder. */
  readonly root: string;
  readonly app: string;
  /** The arguments of the application. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Its variables that no other service may have. Default: none. */
  readonly secrets?: readonly string[];
  /** The port of its inspector. */
  readonly inspectPort: number | undefined;
}

/** Starts a process of a replica; `nodeArgs` are arguments of Node itself. */
export function launch(
  { root, app, args, env, inspectPort }: Omit<Launch, 'name'>,
  nodeArgs: readonly string[] = [],
): ChildProcess {
  const inspect = inspectPort === undefined ? [] : [`--inspect=${INSPECT_HOST}:${inspectPort}`];
  return spawn(process.execPath, [...inspect, ...nodeArgs, app, ...args], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // its own process group: Ctrl-C in the terminal reaches it only through this process, in the right order
    detached: true,
  });
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
        const child = (plan.launch ?? launch)({
          name: plan.name,
          root: plan.root,
          app: plan.app,
          args: ['--topology', plan.topologyFile, '--service', plan.service],
          env: { ...plan.env, FLEDGE_PORT: String(port) },
          ...(plan.secrets && { secrets: plan.secrets }),
          inspectPort: plan.inspectPort,
        });
        plan.onStart?.(url);
        return child;
      },
      isReady: () => saysReady(url),
      onRestart: () => plan.onRestart?.(url),
      ...(plan.waitsForChange && { waitsForChange: true }),
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
