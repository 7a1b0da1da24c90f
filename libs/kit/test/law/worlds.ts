import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Host } from '../../src/host/index.js';
import type { TrustOptions } from '../../src/security/index.js';
import { testNatsUrl, throwawayTrust } from '../../src/testing/index.js';
import { LocalTransport, type Transport } from '../../src/transport/index.js';
import { NatsTransport } from '@fledge/nats';
import { channelTransport } from '../channel-transport/index.js';
import { LAW_CALLS, lawApplication } from '../../src/compliance/law/application.js';
import { hostLaw } from '../../src/compliance/describe-transport.js';
import type { LawWorld } from '../../src/compliance/law/world.js';

/** The modules into which the tests look: they run in the test's process in every world. */
const LOOKED_INTO = ['caller', 'stranger', 'front'] as const;

function hostOf(modules: readonly string[], transport: Transport, trust?: TrustOptions): Promise<Host> {
  return new Host({ application: lawApplication, modules, transport, calls: LAW_CALLS, trust }).start();
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

/** The target in a process of its own, and keys by which it and the others prove who acts. */
export async function natsProcesses(): Promise<LawWorld> {
  const namespace = freshNamespace();
  const [ofTarget, ofOthers] = throwawayTrust(namespace, [['target'], LOOKED_INTO]);
  return withTargetProcess(namespace, ofTarget, ofOthers);
}

/** The target in a process of its own, and no keys: what a call says of who acts is believed. */
export function natsProcessesWithoutKeys(): Promise<LawWorld> {
  return withTargetProcess(freshNamespace());
}

async function withTargetProcess(
  namespace: string,
  ofTarget?: TrustOptions,
  ofOthers?: TrustOptions,
): Promise<LawWorld> {
  const target = await startProcess(namespace, ['target'], ofTarget);
  const host = await hostOf(LOOKED_INTO, new NatsTransport({ url: testNatsUrl(), namespace }), ofOthers);
  return {
    module: (name) => host.module(name),
    stop: async () => {
      await host.close();
      await stopProcess(target);
    },
  };
}

/** Starts a process of the built kit; `npm test` builds first. */
export async function startProcess(
  namespace: string,
  modules: readonly string[],
  trust?: TrustOptions,
): Promise<ChildProcess> {
  const main = fileURLToPath(new URL('../../dist/test/law/law-host.main.js', import.meta.url));
  const child = fork(main, [testNatsUrl(), namespace, ...modules], {
    execArgv: [],
    env: { ...process.env, ...(trust && { LAW_TRUST: JSON.stringify(trust) }) },
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
