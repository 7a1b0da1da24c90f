/** By what a list of products can be sorted. `relevance` is for a search. */
export const SORTS = ['name', 'price', 'newest', 'relevance'] as const;
/** One of `SORTS`. */
export type Sort = (typeof SORTS)[number];
/** The directions of a sort. */
export const DIRECTIONS = ['asc', 'desc'] as const;
/** One of `DIRECTIONS`. */
export type Direction = (typeof DIRECTIONS)[number];

/** How a list is sorted; the id decides between equals, so every list has one order. */
export interface ProductOrder {
  readonly sort: Sort;
  readonly direction: Direction;
}

/** A place in a sorted list: the sorted value of a product as text, and its id. */
export interface Place extends ProductOrder {
  readonly value: string;
  readonly id: string;
}

/**
 * How a list is sorted when the request leaves something out: a search by relevance, else the newest first; names and
 * prices upwards. `undefined` for relevance without a search, or upwards, neither of which means anything.
 */
export function orderOf(
  sort: Sort | undefined,
  direction: Direction | undefined,
  searching: boolean,
): ProductOrder | undefined {
  const by = sort ?? (searching ? 'relevance' : 'newest');
  if (by === 'relevance' && (!searching || direction === 'asc')) return undefined;
  return { sort: by, direction: direction ?? (by === 'name' || by === 'price' ? 'asc' : 'desc') };
}

/** The least positive number that PostgreSQL's `real` has with all its digits. */
const REAL_MIN = 1.2e-38;

/** Whether there is such a day: `Date` takes the 30th of February for one of March, and PostgreSQL has no year 0. */
function isTime(text: string): boolean {
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text && !text.startsWith('0000');
}

const VALUES: Readonly<Record<Sort, (text: string) => boolean>> = {
  name: (text) => !text.includes('\0'),
  price: (text) => /^\d{1,10}$/.test(text) && Number(text) <= 2_147_483_647,
  newest: (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) && isTime(text),
  relevance: (text) => /^\d(\.\d{1,12})?(e-\d{1,2})?$/.test(text) && (Number(text) === 0 || Number(text) >= REAL_MIN),
};

/** Whether a place, which came back from a client, is one of a list in this order. */
export function isPlaceIn(order: ProductOrder, place: Place): boolean {
  return place.sort === order.sort && place.direction === order.direction && VALUES[place.sort](place.value);
}
