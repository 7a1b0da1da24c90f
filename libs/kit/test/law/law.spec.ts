import { describeLaw } from '../../src/compliance/law/law.js';
import type { LawWorld } from '../../src/compliance/law/world.js';
import { channels, local, natsInOneProcess, natsProcesses, natsProcessesWithoutKeys } from './worlds.js';

/** Every way of running modules. To put a new transport under the law, add a line here. */
const worlds: readonly [name: string, start: () => Promise<LawWorld>][] = [
  ['local', local],
  ['nats, an application each', natsInOneProcess],
  ['nats, processes', natsProcesses],
  ['nats, processes without keys', natsProcessesWithoutKeys],
  ['channel', channels],
];

for (const [name, start] of worlds) describeLaw(name, start);
