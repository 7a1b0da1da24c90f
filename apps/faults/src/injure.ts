import type { World } from './world.js';
import type { Injury } from './plan/injury-plan.js';

/** Does to the running shop what the plan of a seed says, when it says it; resolves when the last injury is over. */
export async function injure(world: World, injuries: readonly Injury[], did: (injury: Injury) => void): Promise<void> {
  const start = performance.now();
  const running = injuries.map(async (injury) => {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, start + injury.atMs - performance.now())));
    did(injury);
    await apply(world, injury);
  });
  await Promise.all(running);
}

async function apply(world: World, injury: Injury): Promise<void> {
  switch (injury.what) {
    case 'database-restart': return world.restartDatabase(injury.forMs);
    case 'broker-restart': return world.restartBroker(injury.forMs, false);
    case 'broker-wipe': return world.restartBroker(injury.forMs, true);
    case 'broker-freeze': return world.broker?.freeze(injury.forMs);
    case 'line-cut': return world.line(injury.line)?.cut();
    case 'line-refuse': return world.line(injury.line)?.refuse(injury.forMs);
    case 'line-slow': return world.line(injury.line)?.slow(injury.delayMs, injury.forMs);
    default: return injureService(world, injury);
  }
}

type ServiceInjury = Extract<Injury, { service: number }>;

async function injureService(world: World, injury: ServiceInjury): Promise<void> {
  const service = world.shop.services[injury.service];
  if (service === undefined) throw new Error(`the plan injures service ${injury.service}, and there is none`);
  switch (injury.what) {
    case 'kill-at': return service.order({ at: injury.point, after: injury.after, signal: 'SIGKILL' });
    case 'freeze-at': return service.order({ at: injury.point, after: injury.after, signal: 'SIGSTOP' });
    case 'kill': return service.kill();
    case 'freeze': return service.freeze(injury.forMs);
    case 'conflicts': return service.order({ conflicts: injury.times });
    case 'lost-commits': return service.order({ lostCommits: injury.times });
    case 'exhaust-pools': return service.order({ exhaustMs: injury.forMs });
  }
}
