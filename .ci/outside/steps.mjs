/** What the trials from outside are made of. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Ends a hang: the slowest step installs some hundred packages. */
export const STEP_TIMEOUT_MS = 300_000;

/** Does a step, and says how long it took. */
export async function step(name, work) {
  const since = performance.now();
  process.stdout.write(`-- ${name}\n`);
  await work();
  process.stdout.write(`   ${((performance.now() - since) / 1_000).toFixed(1)} s\n`);
}

/** Runs a program to its end. Not synchronously: the registry answers meanwhile. */
export async function run(program, args, cwd, environment) {
  const child = spawn(program, args, {
    cwd,
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: STEP_TIMEOUT_MS,
  });
  const [code, signal] = await once(child, 'close');
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code ?? signal}`);
}

/** Starts an application, hands over its URL, and stops it. @param {(url: string) => Promise<void>} use */
export async function whileStarted(app, [program, ...args], env, use) {
  const child = spawn(program, args, {
    cwd: app,
    env: { ...env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = once(child, 'exit');
  const limit = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), STEP_TIMEOUT_MS);
  try {
    await use(await urlOf(child));
  } finally {
    // as Ctrl-C in a terminal: the whole group
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGINT');
    await ended;
    clearTimeout(limit);
  }
}

async function urlOf(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /Browse\s+(http:\/\/[^/\s]+)/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    return url;
  }
  throw new Error('the application ended before it was ready');
}
