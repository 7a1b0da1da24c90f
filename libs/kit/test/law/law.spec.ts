import { Host } from '../../src/host/index.js';
import { LocalTransport } from '../../src/transport/index.js';
import { LAW_IN_FLIGHT_MAX, lawApplication } from './application.js';
import { describeLaw, type World } from './law.compliance.js';

async function local(): Promise<World> {
  const host = await new Host({
    application: lawApplication,
    modules: ['target', 'caller', 'stranger', 'front'],
    transport: new LocalTransport(),
    inFlightMax: LAW_IN_FLIGHT_MAX,
  }).start();
  return { module: (name) => host.module(name), stop: () => host.close() };
}

/** Every way of running modules. A new transport joins by a line here. */
const worlds: readonly [string, () => Promise<World>][] = [['local', local]];

for (const [name, start] of worlds) describeLaw(name, start);
