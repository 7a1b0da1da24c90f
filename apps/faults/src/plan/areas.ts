/**
 * What a round injures. `mixed`: anything, many times; then one kind of thing, many times; then one thing, for longer.
 */
export const AREAS = [
  'mixed',
  'services',
  'database',
  'broker',
  'replica',
  'lines',
  'freezes',
  'clocks',
  'sessions',
  'poison',
  'resplit',
  'tail',
  'overload',
  'disk',
] as const;

/** What a round injures. */
export type Area = (typeof AREAS)[number];

/** What an area needs that not every shop has: a broker, or two replicas of a module, one of which stays healthy. */
export type Need = 'broker' | 'second replica';

const NEEDS: Readonly<Partial<Record<Area, Need>>> = {
  broker: 'broker',
  tail: 'broker',
  resplit: 'broker',
  replica: 'second replica',
  lines: 'second replica',
  freezes: 'second replica',
  clocks: 'second replica',
  poison: 'second replica',
};

/** What an area needs that this kind of shop lacks; `undefined` if nothing. */
export function lackedBy(
  area: Area,
  has: { readonly hasBroker: boolean; readonly hasPairs: boolean },
): Need | undefined {
  const need = NEEDS[area];
  const isThere = need === undefined || (need === 'broker' ? has.hasBroker : has.hasPairs);
  return isThere ? undefined : need;
}
