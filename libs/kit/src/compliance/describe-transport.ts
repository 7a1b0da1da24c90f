import { Host, type Transport } from '@fledge/kit';
import { throwawayTrust } from '@fledge/kit/testing';
import { LAW_CALLS, lawApplication } from './law/application.js';
import { describeLaw } from './law/law.js';
import type { LawWorld } from './law/world.js';
import { describeCommands } from './messaging/commands.js';
import { describeEvents } from './messaging/events.js';
import { describeHandlers } from './messaging/handlers.js';
import { describeReplicas } from './messaging/replicas.js';

/**
 * What a transport guarantees, as tests: the parity law, durable events and durable commands. Runs each module in its own host, in the
 * process of the test. Needs `describe`, `it` and `expect` as globals, a time limit of two minutes per test, and a
 * PostgreSQL (see `freshDatabase`). Not tested: a log with a new incarnation, and a lost connection.
 * @param transport makes one for each host; hosts of one namespace must reach each other, and no others.
 */
export function describeTransport(name: string, transport: (namespace: string) => Transport): void {
  describeLaw(name, () => hostLaw(transport));
  const world = {
    name,
    hosts: (namespace: string) =>
      ['talker', 'listener'].map((module) => ({ modules: [module], transport: transport(namespace) })),
  };
  describeEvents(world);
  describeCommands(world);
  describeHandlers(world);
  describeReplicas(world);
}

/** The law's application, each module in its own host. */
export async function hostLaw(transport: (namespace: string) => Transport): Promise<LawWorld> {
  const namespace = `law${Math.random().toString(36).slice(2, 12)}`;
  const hosts = new Map<string, Host>();
  const modules = lawApplication.modules.map(({ contract }) => contract.name);
  const trust = throwawayTrust(
    namespace,
    modules.map((name) => [name]),
  );
  for (const [i, { contract }] of lawApplication.modules.entries()) {
    const host = new Host({
      application: lawApplication,
      modules: [contract.name],
      transport: transport(namespace),
      calls: LAW_CALLS,
      trust: trust[i],
    });
    hosts.set(contract.name, await host.start());
  }
  return {
    module: (name) => (hosts.get(name) as Host).module(name),
    stop: async () => {
      for (const host of hosts.values()) await host.close();
    },
  };
}
