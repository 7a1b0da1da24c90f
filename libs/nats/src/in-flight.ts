/** An entry with its number. */
export interface Numbered {
  readonly number: number;
}

/** A power of two, as every size of the array is. */
const SLOTS_MIN = 64;
/** A larger array, left over from a burst, is released when it is empty. */
const SLOTS_KEPT = 4_096;

/**
 * The entries in progress, found by number. An array instead of a `Map`: with many insertions and deletions, V8's map
 * moves from table to table, and each former table points to its successor. Once one of them reaches the old
 * generation, everything in its successors survives until the next full collection, which took a tenth of a busy
 * caller's time.
 */
export class InFlight<T extends Numbered> implements Iterable<T> {
  private slots: (T | undefined)[] = emptySlots(SLOTS_MIN);
  private count = 0;
  private last = 0;

  get size(): number {
    return this.count;
  }

  /** A number that no entry has had, for the next entry. */
  next(): number {
    if (this.count * 2 >= this.slots.length) this.grow();
    const mask = this.slots.length - 1;
    do this.last++;
    while (this.slots[this.last & mask] !== undefined);
    return this.last;
  }

  add(item: T): void {
    this.slots[item.number & (this.slots.length - 1)] = item;
    this.count++;
  }

  get(number: number): T | undefined {
    const item = this.slots[number & (this.slots.length - 1)];
    return item !== undefined && item.number === number ? item : undefined;
  }

  /** Does nothing for an unknown entry. */
  delete(item: T): void {
    if (this.get(item.number) !== item) return;
    this.slots[item.number & (this.slots.length - 1)] = undefined;
    this.count--;
    if (this.count === 0 && this.slots.length > SLOTS_KEPT) this.slots = emptySlots(SLOTS_MIN);
  }

  /** All entries. While iterating, entries may end and new ones may be added, which may or may not be included. */
  *[Symbol.iterator](): Iterator<T> {
    for (const item of this.slots) if (item !== undefined && this.get(item.number) === item) yield item;
  }

  private grow(): void {
    const items = [...this];
    this.slots = emptySlots(this.slots.length * 2);
    for (const item of items) this.slots[item.number & (this.slots.length - 1)] = item;
  }
}

function emptySlots<T>(length: number): (T | undefined)[] {
  return Array.from({ length }, () => undefined);
}
