import { type Area, AREAS, lackedBy } from './areas.js';
import type { Injury } from './injury.js';
import { type Body, planMany } from './injury-plan.js';
import type { Random } from './random.js';

/** The injuries of a round, and how to play it. */
export interface RoundPlan {
  readonly area: Area;
  readonly injuries: readonly Injury[];
  /**
   * The promise of progress holds while the injuries last: there is a healthy replica of each module, its database and
   * a broker.
   */
  readonly keepsPremise: boolean;
  /** The pause between two orders of a buyer. */
  readonly pauseMs: number;
}

/** Longer than the promise of progress, so that a violation shows; ended sooner if everything progresses. */
const LASTING_MS = 40_000;
/** Longer than it takes until a silent replica is skipped, a call's deadline and a request's limit, 10 s. */
const OUTLASTING_MS = 12_000;
const CLOCK_STEPS_MS = [-600_000, 600_000] as const;
const SHORT_PAUSE_MS = 150;
const STEADY_PAUSE_MS = 1_000;
/** Orders keep coming while topologies are changed, which takes some starts of processes. */
const RESPLIT_PAUSE_MS = 4_000;

/** How many in a hundred of the rounds that may injure anything are `mixed`; each of the others has a single area. */
const MIXED_OF_100 = 40;

/** The plan of a seed for this kind of shop: always the same. `area` undefined: the seed decides. */
export function planRound(random: Random, area: Area | undefined, body: Body): RoundPlan {
  const drawn =
    area ??
    (random.whole(1, 100) <= MIXED_OF_100
      ? 'mixed'
      : random.one(
          AREAS.slice(AREAS.indexOf('replica')).filter(
            (one) => lackedBy(one, { hasBroker: body.hasBroker, hasPairs: body.paired.length > 0 }) === undefined,
          ),
        ));
  switch (drawn) {
    case 'lines':
      return steady(drawn, brokenLine(random, body));
    case 'freezes':
      return steady(drawn, [
        {
          atMs: random.whole(500, 1_500),
          what: 'long-freeze',
          service: random.one(body.paired),
          forMs: LASTING_MS,
          leastMs: OUTLASTING_MS,
        },
      ]);
    case 'clocks':
      return steady(drawn, clockSteps(random, body));
    case 'sessions':
      return steady(drawn, [
        {
          atMs: 0,
          what: 'sessions-end',
          every: random.chance(0.5),
          times: 8,
          pauseMs: 1_000,
          seed: random.whole(0, 1_000_000),
        },
      ]);
    case 'poison':
      return steady(drawn, [
        { atMs: 0, what: 'poison', table: random.one(body.poisonTables), order: random.whole(0, 5) },
      ]);
    case 'resplit':
      return {
        ...steady(drawn, [
          { atMs: random.whole(0, 1_000), what: 'resplit', besideMs: LASTING_MS, leastMs: OUTLASTING_MS },
        ]),
        pauseMs: RESPLIT_PAUSE_MS,
      };
    case 'tail':
      return steady(drawn, brokenTails(random, body));
    case 'overload':
      return steady(drawn, [{ atMs: 1_000, what: 'overload', forMs: random.whole(3_000, 5_000) }]);
    case 'disk':
      return steady(drawn, [
        { atMs: random.whole(1_000, 2_000), what: 'disk-full', forMs: random.whole(2_000, 5_000) },
      ]);
    case 'replica':
      return steady(drawn, planMany(random, drawn, body));
    default:
      return { area: drawn, injuries: planMany(random, drawn, body), keepsPremise: false, pauseMs: SHORT_PAUSE_MS };
  }
}

function steady(area: Area, injuries: readonly Injury[]): RoundPlan {
  return { area, injuries, keepsPremise: true, pauseMs: STEADY_PAUSE_MS };
}

function brokenLine(random: Random, { paired, hasBroker }: Body): Injury[] {
  const line = hasBroker && random.chance(0.6) ? 'broker' : 'database';
  return [
    {
      atMs: random.whole(500, 1_500),
      what: 'replica-line',
      service: random.one(paired),
      line,
      how: random.one(['refuse', 'to-server', 'to-service'] as const),
      forMs: LASTING_MS,
      leastMs: OUTLASTING_MS,
    },
  ];
}

/**
 * The database's clock, and then the death of a replica, whose locks must still expire; and the clock of another
 * replica.
 */
function clockSteps(random: Random, { paired, services }: Body): Injury[] {
  const atMs = random.whole(500, 1_500);
  return [
    { atMs, what: 'clock-step', of: 'database', byMs: random.one(CLOCK_STEPS_MS) },
    { atMs: atMs + 1_500, what: 'kill', service: random.one(paired) },
    { atMs: atMs + 2_000, what: 'clock-step', of: random.whole(0, services - 1), byMs: random.one(CLOCK_STEPS_MS) },
  ];
}

/** Twice: a loss is noticed at once only if somebody has read the lost messages. */
function brokenTails(random: Random, { paired }: Body): Injury[] {
  return [0, 1].map(
    (nth) =>
      ({
        atMs: 1_000 + nth * 8_000 + random.whole(0, 500),
        what: 'broker-tail',
        writer: random.one(paired),
        newest: random.whole(1, 2),
        unreadMs: random.whole(300, 800),
        forMs: random.whole(50, 500),
      }) as const,
  );
}
