import { POINTS } from '../agent/orders.js';
import type { Area } from './areas.js';
import type { Injury } from './injury.js';
import type { Random } from './random.js';

/** What can be injured in a world. */
export interface Body {
  /** The running replicas. */
  readonly services: number;
  /** Those with another replica, which stays healthy. */
  readonly paired: readonly number[];
  readonly hasBroker: boolean;
  /** The tables into which a message can be poisoned: those of modules with two replicas. */
  readonly poisonTables: readonly string[];
}

type Kind = Injury['what'];

/** The number of injuries in a round with many. */
const INJURIES = 6;
const INJURED_WITHIN_MS = 4_000;

// Those at checkpoints are listed twice: they are the main purpose of the lab.
const OF_SERVICES: readonly Kind[] = [
  'kill-at',
  'kill-at',
  'freeze-at',
  'freeze-at',
  'kill',
  'freeze',
  'conflicts',
  'lost-commits',
  'exhaust-pools',
  'replica-line',
  'clock-step',
];
const OF_THE_DATABASE: readonly Kind[] = ['database-restart', 'line-cut', 'line-refuse', 'line-slow', 'sessions-end'];
const OF_THE_BROKER: readonly Kind[] = [
  'broker-restart',
  'broker-wipe',
  'broker-freeze',
  'line-cut',
  'line-refuse',
  'line-slow',
];

/** Many injuries of any kind, of one kind, or of one replica; in the order of time. */
export function planMany(random: Random, area: Area, body: Body): Injury[] {
  const victim = area === 'replica' ? random.one(body.paired) : undefined;
  const injuries = Array.from({ length: INJURIES }, () =>
    one(random, random.whole(0, INJURED_WITHIN_MS), area, body, victim),
  );
  return injuries.sort((a, b) => a.atMs - b.atMs);
}

function one(random: Random, atMs: number, area: Area, body: Body, victim: number | undefined): Injury {
  if (victim !== undefined) return ofService(random, atMs, random.one(OF_SERVICES), victim, body);
  switch (area === 'mixed' ? anyThing(random.whole(1, 100), body.hasBroker) : area) {
    case 'broker':
      return ofLine(random, atMs, random.one(OF_THE_BROKER), 'broker');
    case 'database':
      return ofLine(random, atMs, random.one(OF_THE_DATABASE), 'database');
    default:
      return ofService(random, atMs, random.one(OF_SERVICES), random.whole(0, body.services - 1), body);
  }
}

function anyThing(place: number, hasBroker: boolean): Area {
  if (hasBroker && place <= 25) return 'broker';
  return place <= 45 ? 'database' : 'services';
}

function ofService(random: Random, atMs: number, what: Kind, service: number, { hasBroker }: Body): Injury {
  switch (what) {
    case 'kill-at':
    case 'freeze-at':
      return { atMs, what, service, point: random.one(POINTS), after: random.whole(1, 12) };
    case 'freeze':
      return { atMs, what, service, forMs: random.whole(200, 8_000) };
    case 'conflicts':
    case 'lost-commits':
      return { atMs, what, service, times: random.whole(1, 5) };
    case 'exhaust-pools':
      return { atMs, what, service, forMs: random.whole(200, 3_000) };
    case 'replica-line':
      return {
        atMs,
        what,
        service,
        line: hasBroker ? random.one(['database', 'broker'] as const) : 'database',
        how: random.one(['refuse', 'slow', 'to-server', 'to-service'] as const),
        forMs: random.whole(200, 6_000),
        leastMs: 0,
      };
    case 'clock-step':
      return { atMs, what, of: service, byMs: random.one([-600_000, 600_000]) };
    default:
      return { atMs, what: 'kill', service };
  }
}

function ofLine(random: Random, atMs: number, what: Kind, line: 'database' | 'broker'): Injury {
  switch (what) {
    case 'database-restart':
    case 'broker-restart':
    case 'broker-wipe':
    case 'broker-freeze':
      return { atMs, what, forMs: random.whole(50, 2_500) };
    case 'line-refuse':
      return { atMs, what, line, forMs: random.whole(100, 2_500) };
    case 'line-slow':
      return { atMs, what, line, delayMs: random.whole(5, 150), forMs: random.whole(500, 3_000) };
    case 'sessions-end':
      return {
        atMs,
        what,
        every: random.chance(0.3),
        times: random.whole(1, 5),
        pauseMs: random.whole(50, 500),
        seed: random.whole(0, 1_000_000),
      };
    default:
      return { atMs, what: 'line-cut', line };
  }
}
