import { type Point, POINTS } from '../agent/orders.js';
import type { Random } from './random.js';

/** Something that is done to the running shop, and when after the first order. */
export type Injury = { readonly atMs: number } & (
  | { readonly what: 'kill-at'; readonly service: number; readonly point: Point; readonly after: number }
  | { readonly what: 'freeze-at'; readonly service: number; readonly point: Point; readonly after: number }
  | { readonly what: 'kill'; readonly service: number }
  | { readonly what: 'freeze'; readonly service: number; readonly forMs: number }
  | { readonly what: 'conflicts'; readonly service: number; readonly times: number }
  | { readonly what: 'lost-commits'; readonly service: number; readonly times: number }
  | { readonly what: 'exhaust-pools'; readonly service: number; readonly forMs: number }
  | { readonly what: 'database-restart'; readonly forMs: number }
  | { readonly what: 'broker-restart'; readonly forMs: number }
  | { readonly what: 'broker-wipe'; readonly forMs: number }
  | { readonly what: 'broker-freeze'; readonly forMs: number }
  | { readonly what: 'line-cut'; readonly line: 'database' | 'broker' }
  | { readonly what: 'line-refuse'; readonly line: 'database' | 'broker'; readonly forMs: number }
  | { readonly what: 'line-slow'; readonly line: 'database' | 'broker'; readonly delayMs: number; readonly forMs: number }
);

/** What a plan may injure: anything, or one kind of thing again and again. */
export type Area = 'all' | 'services' | 'database' | 'broker';

/** All of them. */
export const AREAS: readonly Area[] = ['all', 'services', 'database', 'broker'];

/** Which injuries a topology can suffer. */
export interface Body {
  /** Replicas that run. */
  readonly services: number;
  readonly hasBroker: boolean;
  readonly area: Area;
}

type Kind = Injury['what'];

// Those at named points stand twice: they are what the lab is for.
const OF_SERVICES: readonly Kind[] = ['kill-at', 'kill-at', 'freeze-at', 'freeze-at', 'kill', 'freeze', 'conflicts', 'lost-commits', 'exhaust-pools'];
const OF_THE_DATABASE: readonly Kind[] = ['database-restart', 'line-cut', 'line-refuse', 'line-slow'];
const OF_THE_BROKER: readonly Kind[] = ['broker-restart', 'broker-wipe', 'broker-freeze', 'line-cut', 'line-refuse', 'line-slow'];

/** What is done in a seed: the same for the same seed and the same kind of topology. */
export function planInjuries(random: Random, number: number, withinMs: number, body: Body): Injury[] {
  const injuries = Array.from({ length: number }, () => one(random, random.whole(0, withinMs), body));
  return injuries.sort((a, b) => a.atMs - b.atMs);
}

function one(random: Random, atMs: number, body: Body): Injury {
  const area = body.area === 'all' ? anyArea(random.whole(1, 100), body.hasBroker) : body.area;
  if (area === 'broker') return ofLine(random, atMs, random.one(OF_THE_BROKER), 'broker');
  if (area === 'database') return ofLine(random, atMs, random.one(OF_THE_DATABASE), 'database');
  return ofService(random, atMs, random.one(OF_SERVICES), random.whole(0, body.services - 1));
}

function anyArea(place: number, hasBroker: boolean): Area {
  if (hasBroker && place <= 25) return 'broker';
  return place <= 45 ? 'database' : 'services';
}

function ofService(random: Random, atMs: number, what: Kind, service: number): Injury {
  switch (what) {
    case 'kill-at':
    case 'freeze-at': return { atMs, what, service, point: random.one(POINTS), after: random.whole(1, 12) };
    case 'freeze': return { atMs, what, service, forMs: random.whole(200, 8_000) };
    case 'conflicts':
    case 'lost-commits': return { atMs, what, service, times: random.whole(1, 5) };
    case 'exhaust-pools': return { atMs, what, service, forMs: random.whole(200, 3_000) };
    default: return { atMs, what: 'kill', service };
  }
}

function ofLine(random: Random, atMs: number, what: Kind, line: 'database' | 'broker'): Injury {
  switch (what) {
    case 'database-restart':
    case 'broker-restart':
    case 'broker-wipe':
    case 'broker-freeze': return { atMs, what, forMs: random.whole(50, 2_500) };
    case 'line-refuse': return { atMs, what, line, forMs: random.whole(100, 2_500) };
    case 'line-slow': return { atMs, what, line, delayMs: random.whole(5, 150), forMs: random.whole(500, 3_000) };
    default: return { atMs, what: 'line-cut', line };
  }
}
