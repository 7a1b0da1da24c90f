/** Something under way, by the number that it was given. */
export interface Numbered {
  readonly number: number;
}

/** A power of two, as every size of the array is. */
const SLOTS_MIN = 64;
/** What a burst made larger is given back when nothing is under way any more. */
const SLOTS_KEPT = 4_096;

/**
 * What is under way, found by its number. An array and no `Map`: where entries come and go, V8's map moves from table
 * to table, and each former table points at its successor. Once one of them has become old, all that ever was in those
 * after it outlives every scavenge until the next full collection, which took a tenth of a busy caller's time.
 */
export class InFlight<T extends Numbered> implements Iterable<T> {
  private slots: (T | undefined)[] = emptySlots(SLOTS_MIN);
  private count = 0;
  private last = 0;

  get size(): number {
    return this.count;
  }

  /** A number that nothing here has had, for the next thing to be added. */
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

  /** Does nothing for what is not here. */
  delete(item: T): void {
    if (this.get(item.number) !== item) return;
    this.slots[item.number & (this.slots.length - 1)] = undefined;
    this.count--;
    if (this.count === 0 && this.slots.length > SLOTS_KEPT) this.slots = emptySlots(SLOTS_MIN);
  }

  /** All that is here, also while some of it ends and more is added, which may or may not be among it. */
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
