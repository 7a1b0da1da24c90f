import type { Topology } from '@fledge/kit/operations';
import { usageError } from './command.js';
import { checkTopology, findProject, type Project, readTopology, topologyFile } from './project.js';
import { LineLog } from './start/line-log.js';
import { LocalRun } from './start/local-run.js';
import { EXIT_INTERRUPTED, onSignals } from './start/signals.js';

const PAGES_TIMEOUT_MS = 5_000;

/**
 * `fledge start [topology]`: runs all services of a topology on this machine until a signal ends them, then resolves
 * with 0. A second Ctrl-C kills everything at once, with exit code 130.
 */
export async function start(args: readonly string[]): Promise<number> {
  if (args.length > 1 || args[0]?.startsWith('-'))
    throw usageError('fledge start [topology]', `it takes one topology, but got '${args.join(' ')}'`);
  const project = findProject();
  const file = topologyFile(project, args[0]);
  process.chdir(project.root);
  const [{ modules, topology }] = await Promise.all([readTopology(project, file), checkTopology(project, file)]);
  const log = new LineLog(LocalRun.writers(topology), process.stdout, process.stdout.isTTY && !process.env.NO_COLOR);
  const run = new LocalRun({ project, topology, modules, env: process.env, log });
  return supervise(
    run,
    log,
    async () => void process.stdout.write(welcome(run, topology, project, await hasPages(run.url))),
  );
}

async function supervise(run: LocalRun, log: LineLog, ready: () => Promise<void>): Promise<number> {
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
  try {
    await run.start();
    if (!stopping) await ready();
    await signalled;
    return 0;
  } finally {
    await run.stop();
    release();
  }
}

/** Whether the application serves API pages: it may omit the packages for them. */
async function hasPages(url: string): Promise<boolean> {
  const { status } = await fetch(`${url}/docs`, { signal: AbortSignal.timeout(PAGES_TIMEOUT_MS) }).catch(() => ({
    status: 0,
  }));
  return status === 200;
}

/** A few lines that say where to go next. */
function welcome(run: LocalRun, topology: Topology, project: Project, pages: boolean): string {
  const services = topology.services.length === 1 ? 'one process' : `${topology.services.length} services`;
  const hasDemo = Object.values(topology.settings).some((settings) => settings.demo === true);
  const rows: [what: string, where: string][] = [
    ['Browse', pages ? `${run.url}/docs` : run.url],
    ...(hasDemo ? project.demo.map((line, i): [string, string] => [i === 0 ? 'Log in as' : '', line]) : []),
    ...(run.brokerUrl ? [['Broker', run.brokerUrl] as [string, string]] : []),
    ...(run.dataFolder ? [['Data in', run.dataFolder] as [string, string]] : []),
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
