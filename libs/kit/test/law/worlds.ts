import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Host } from '../../src/host/index.js';
import { testNatsUrl } from '../../src/testing/index.js';
import { LocalTransport, type Transport } from '../../src/transport/index.js';
import { NatsTransport } from '@fledge/nats';
import { channelTransport } from '../channel-transport/index.js';
import { LAW_IN_FLIGHT_MAX, lawApplication } from '../../src/compliance/law/application.js';
import { hostLaw } from '../../src/compliance/describe-transport.js';
import type { LawWorld } from '../../src/compliance/law/world.js';

/** The modules into which the tests look: they run in the test's process in every world. */
const LOOKED_INTO = ['caller', 'stranger', 'front'] as const;

function hostOf(modules: readonly string[], transport: Transport): Promise<Host> {
  return new Host({ application: lawApplication, modules, transport, inFlightMax: LAW_IN_FLIGHT_MAX }).start();
}

/** One process, one host, no network. */
export async function local(): Promise<LawWorld> {
  const host = await hostOf(['target', ...LOOKED_INTO], new LocalTransport());
  return { module: (name) => host.module(name), stop: () => host.close() };
}

/** Each module a Nest application with a connection of its own, in the test's process. */
export function natsInOneProcess(): Promise<LawWorld> {
  return hostLaw((namespace) => new NatsTransport({ url: testNatsUrl(), namespace }));
}

/** Each module a Nest application, joined by a transport that is written from public entries only. */
export function channels(): Promise<LawWorld> {
  return hostLaw(channelTransport);
}

/** The target in a process of its own. */
export async function natsProcesses(): Promise<LawWorld> {
  const namespace = freshNamespace();
  const target = await startProcess(namespace, ['target']);
  const host = await hostOf(LOOKED_INTO, new NatsTransport({ url: testNatsUrl(), namespace }));
  return {
    module: (name) => host.module(name),
    stop: async () => {
      await host.close();
      await stopProcess(target);
    },
  };
}

/** Starts a process of the built kit; `npm test` builds first. */
export async function startProcess(namespace: string, modules: readonly string[]): Promise<ChildProcess> {
  const main = fileURLToPath(new URL('../../dist/test/law/law-host.main.js', import.meta.url));
  const child = fork(main, [testNatsUrl(), namespace, ...modules], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const first = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  if (first[0] !== 'ready') throw new Error(`the process of ${modules.join(', ')} ended before it was ready`);
  return child;
}

/** Ends a process as a deployment would. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

/** Keeps the worlds of one broker apart. */
export function freshNamespace(): string {
  return `law${randomBytes(5).toString('hex')}`;
}
