/**
 * Loaded into a service before its own code (`node --import`): it injures the service from inside, on orders of the lab
 * over the channel between the two processes. The service's code does not know of it; it only offers diagnostics
 * channels.
 */
import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import { setClock, takeClock } from './clock.js';
import { Commits } from './commits.js';
import {
  type AgentOrder,
  type AgentReport,
  type Point,
  POINTS,
  POISON_VARIABLE,
  type PoisonOrder,
  REPORT_FD,
} from './orders.js';
import { Poison } from './poison.js';
import { exhaustPools, watchPools } from './pools.js';

interface Trap {
  readonly at: Point;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
  left: number;
}

const traps: Trap[] = [];
const commits = new Commits((did) => report({ did }));
const poison = new Poison(() => {
  report({ did: 'poisoned' });
  process.kill(process.pid, 'SIGKILL');
});
const poisonedFromTheStart = process.env[POISON_VARIABLE];
if (poisonedFromTheStart) poison.order = JSON.parse(poisonedFromTheStart) as PoisonOrder;
watchPools();
takeClock();

for (const point of POINTS) subscribe(point, () => passed(point));

process.on('message', (order: AgentOrder) => {
  if ('at' in order) traps.push({ at: order.at, signal: order.signal, left: order.after });
  else if ('conflicts' in order) commits.conflicts += order.conflicts;
  else if ('lostCommits' in order) commits.lost += order.lostCommits;
  else if ('clockMs' in order) setClock(order.clockMs);
  else if ('orderId' in order) poison.order = order;
  else if ('disarm' in order) disarm();
  else void exhaustPools(order.exhaustMs).then((pools) => pools > 0 && report({ did: 'exhaust' }));
});

// Without the lab, nobody restarts the process or resumes a frozen one. The channel itself must not keep the service
// from ending.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.channel?.unref();

function passed(at: Point): void {
  for (const trap of traps) {
    if (trap.at !== at) continue;
    trap.left -= 1;
    if (trap.left > 0) continue;
    traps.splice(traps.indexOf(trap), 1);
    report({ did: trap.signal, at });
    process.kill(process.pid, trap.signal);
    return;
  }
}

function disarm(): void {
  traps.length = 0;
  commits.conflicts = 0;
  commits.lost = 0;
  poison.order = undefined;
  setClock(0);
}

function report(line: AgentReport): void {
  writeSync(REPORT_FD, `${JSON.stringify(line)}\n`);
}
