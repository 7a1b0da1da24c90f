import { type ChildProcess, spawn } from 'node:child_process';
import { Agent, request } from 'undici';
import { freePort } from '@fledge/kit/operations';
import { connectorTo } from '../front-door/pinned.js';
import type { LineLog } from './line-log.js';
import { SupervisedProcess } from './supervised-process.js';

/** Inspectors listen on this machine only: who reaches one can run anything. */
export const INSPECT_HOST = '127.0.0.1';

const READY_TIMEOUT_MS = 2_000;

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
  /** The file of the certificate that it shows. Default: it serves HTTP. */
  readonly certFile?: string | undefined;
  /** Default: a new free port for each run. */
  readonly port?: number;
  /** The port for its health, if it has one of its own. Default: that of its requests. */
  readonly adminPort?: number | undefined;
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
 * Its entry file is run as `node main.js --topology … --service …` with `FLEDGE_PORT` and `FLEDGE_ADMIN_PORT`. It must
 * exit with code 78 if it cannot start without a change, drain on SIGTERM, and end when its IPC channel closes, which
 * means that this process was killed.
 */
export function replicaProcess(plan: ReplicaPlan, log: LineLog): SupervisedProcess {
  let url = '';
  const scheme = plan.certFile === undefined ? 'http' : 'https';
  const agent = new Agent({ connect: connectorTo(READY_TIMEOUT_MS, plan.certFile) });
  return new SupervisedProcess(
    {
      name: plan.name,
      start: async () => {
        const port = plan.port ?? (await freePort(plan.host));
        url = originOf(plan.host, port, scheme);
        const child = (plan.launch ?? launch)({
          name: plan.name,
          root: plan.root,
          app: plan.app,
          args: ['--topology', plan.topologyFile, '--service', plan.service],
          env: { ...plan.env, FLEDGE_PORT: String(port), FLEDGE_ADMIN_PORT: String(plan.adminPort ?? 'none') },
          ...(plan.secrets && { secrets: plan.secrets }),
          inspectPort: plan.inspectPort,
        });
        plan.onStart?.(url);
        return child;
      },
      isReady: () => saysReady(plan.adminPort === undefined ? url : originOf(plan.host, plan.adminPort), agent),
      onRestart: () => plan.onRestart?.(url),
      ...(plan.waitsForChange && { waitsForChange: true }),
      onEnd: () => plan.onEnd?.(url),
    },
    log,
  );
}

/** The URL of whatever listens on an address of this machine. */
export function originOf(host: string, port: number, scheme = 'http'): string {
  if (host === '0.0.0.0') return `${scheme}://127.0.0.1:${port}`;
  if (host === '::') return `${scheme}://[::1]:${port}`;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function saysReady(url: string, dispatcher: Agent): Promise<boolean> {
  try {
    const answer = await request(`${url}/readyz`, { dispatcher, signal: AbortSignal.timeout(READY_TIMEOUT_MS) });
    await answer.body.dump();
    return answer.statusCode === 200;
  } catch {
    // nobody listens yet
    return false;
  }
}
