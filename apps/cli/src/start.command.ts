import type { Server } from 'node:net';
import { relative } from 'node:path';
import { Agent, request } from 'undici';
import { connectorTo } from './front-door/pinned.js';
import { checkTopology, findProject, findSources, type Project, readTopology, topologyFile } from './project.js';
import { answerRestart } from './start/control/answer-restart.js';
import { listenForRequests } from './start/control/control-socket.js';
import { LineLog } from './start/line-log.js';
import { LocalRun, type RunPlan } from './start/local-run.js';
import { INSPECT_HOST } from './start/replica.js';
import { EXIT_INTERRUPTED, onSignals } from './start/signals.js';
import { logFilter, type StartOptions, startOptions } from './start/start-options.js';
import { BUILD } from './start/watch/build-watch.js';
import { Watch } from './start/watch/watch.js';

const PAGES_TIMEOUT_MS = 5_000;

/**
 * `fledge start [topology]`: runs all services of a topology on this machine until a signal ends them, then resolves
 * with 0. A second Ctrl-C kills everything at once, with exit code 130. With `--watch` it builds the project whenever
 * its sources change, and restarts the services whose code changed.
 */
export async function start(args: readonly string[]): Promise<number> {
  const options = startOptions(args);
  const project = options.watch ? findSources() : findProject();
  const file = topologyFile(project, options.topology);
  process.chdir(project.root);
  const log = new LineLog(process.stdout, process.stdout.isTTY && !process.env.NO_COLOR);
  const watch = options.watch ? new Watch(project, log) : undefined;
  try {
    await watch?.build();
    return await startBuilt(project, file, options, log, watch);
  } finally {
    watch?.stop();
  }
}

async function startBuilt(
  project: Project,
  file: string,
  options: StartOptions,
  log: LineLog,
  watch: Watch | undefined,
): Promise<number> {
  const [{ modules, topology }] = await Promise.all([readTopology(project, file), checkTopology(project, file)]);
  log.expect([...(watch ? [BUILD] : []), ...LocalRun.writers(topology)], logFilter(options, topology));
  const plan: RunPlan = {
    project,
    topology,
    modules,
    env: process.env,
    log,
    tls: options.tls,
    ...(options.inspect !== undefined && { inspect: options.inspect }),
    ...(watch && { launch: (launch) => watch.launch(launch) }),
  };
  const run = new LocalRun(plan);
  watch?.attach(run, topology);
  return supervise(run, plan, async () => {
    watch?.started();
    process.stdout.write(welcome(run, plan, await hasPages(run)));
  });
}

async function supervise(run: LocalRun, { log, topology }: RunPlan, ready: () => Promise<void>): Promise<number> {
  let stopped: (() => void) | undefined;
  const signalled = new Promise<void>((resolve) => (stopped = resolve));
  let stopping = false;
  const release = onSignals(
    (reason) => {
      stopping = true;
      log.print('fledge', `${reason}: stopping`);
      void run.stop();
      stopped?.();
    },
    () => {
      run.kill();
      process.exit(EXIT_INTERRUPTED);
    },
  );
  let control: Server | undefined;
  let unreached = 'another start runs here';
  try {
    // a convenience, which must not keep a topology from starting
    control = await listenForRequests((request) => answerRestart(request, topology, run)).catch((error: Error) => {
      unreached = error.message;
      return undefined;
    });
    await run.start();
    if (!stopping && !control) log.print('fledge', `'fledge restart' does not reach this: ${unreached}`);
    if (!stopping) await ready();
    await signalled;
    return 0;
  } finally {
    control?.close();
    await run.stop();
    release();
  }
}

/** Whether the application serves API pages: it may omit the packages for them. */
async function hasPages({ adminUrl, certFile }: LocalRun): Promise<boolean> {
  const dispatcher = new Agent({ connect: connectorTo(PAGES_TIMEOUT_MS, certFile) });
  try {
    const answer = await request(`${adminUrl}/docs`, { dispatcher, signal: AbortSignal.timeout(PAGES_TIMEOUT_MS) });
    await answer.body.dump();
    return answer.statusCode === 200;
  } catch {
    // nothing worse follows than a shorter address in the greeting
    return false;
  }
}

/** A few lines that say where to go next. */
function welcome(run: LocalRun, { topology, project, launch }: RunPlan, pages: boolean): string {
  const services = topology.services.length === 1 ? 'one process' : `${topology.services.length} services`;
  const hasDemo = Object.values(topology.settings).some((settings) => settings.demo === true);
  const rows: [what: string, where: string][] = [
    ['Browse', pages ? `${run.adminUrl}/docs` : run.url],
    ...(pages && run.adminUrl !== run.url ? [['Requests', run.url] as [string, string]] : []),
    ...(hasDemo ? project.demo.map((line, i): [string, string] => [i === 0 ? 'Log in as' : '', line]) : []),
    ...(run.brokerUrl ? [['Broker', run.brokerUrl] as [string, string]] : []),
    ...(run.dataFolder ? [['Data in', run.dataFolder] as [string, string]] : []),
    ...(run.authority ? [['Authority', relative(project.root, run.authority)] as [string, string]] : []),
    ...[...run.inspectors].map(([name, port], i): [string, string] => [
      i === 0 ? 'Inspect' : '',
      `${INSPECT_HOST}:${port}  ${name}`,
    ]),
    ...(launch ? [['Watching', 'save a file, and the services that have loaded it restart'] as [string, string]] : []),
    ['Stop', 'Ctrl-C'],
  ];
  return [
    '',
    `${topology.file} runs as ${services}.`,
    ...rows.map(([what, where]) => `  ${what.padEnd(10)} ${where}`),
    '',
    '',
  ].join('\n');
}
