/** What a round injures. `mixed`: anything, many times; then one kind of thing, many times; then one thing, for longer. */
export const AREAS = ['mixed', 'services', 'database', 'broker', 'replica', 'lines', 'freezes', 'clocks', 'sessions', 'poison', 'resplit', 'tail', 'overload', 'disk'] as const;

/** What a round injures. */
export type Area = (typeof AREAS)[number];

const NEEDS_BROKER: readonly Area[] = ['broker', 'tail', 'resplit'];

/** Whether a shop of this kind has what an area injures. */
export function canSuffer(area: Area, { hasBroker }: { readonly hasBroker: boolean }): boolean {
  return hasBroker || !NEEDS_BROKER.includes(area);
}
