/** The sort keys of a product list. `relevance` is only for a search. */
export const SORTS = ['name', 'price', 'newest', 'relevance'] as const;
/** One of `SORTS`. */
export type Sort = (typeof SORTS)[number];
/** The directions of a sort. */
export const DIRECTIONS = ['asc', 'desc'] as const;
/** One of `DIRECTIONS`. */
export type Direction = (typeof DIRECTIONS)[number];

/** How a list is sorted; ties are broken by id, so that every list has exactly one order. */
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
 * The default order for what the request omits: a search is sorted by relevance, other lists newest first; names and
 * prices ascend. `undefined` for relevance without a search or ascending, which makes no sense.
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

/** The smallest positive number that PostgreSQL's `real` stores with full precision. */
const REAL_MIN = 1.2e-38;

/** Whether the date exists: `Date` turns 30 February into a day of March, and PostgreSQL has no year 0. */
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

/** Whether a place, which comes from a client, is valid in a list with this order. */
export function isPlaceIn(order: ProductOrder, place: Place): boolean {
  return place.sort === order.sort && place.direction === order.direction && VALUES[place.sort](place.value);
}
