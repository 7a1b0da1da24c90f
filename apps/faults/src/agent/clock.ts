const Machine = Date;
let offsetMs = 0;

const now = (): number => Machine.now() + offsetMs;

const Stepped = new Proxy(Machine, {
  construct: (target, args: unknown[], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
  apply: () => new Machine(now()).toString(),
  get: (target, name, receiver) => (name === 'now' ? now : (Reflect.get(target, name, receiver) as unknown)),
});

/** Gives this process a `Date` that can be set. Loaded before anything else, so that everyone uses the same `Date`. */
export function takeClock(): void {
  // a date's `constructor` must be the `Date` that everyone sees
  Machine.prototype.constructor = Stepped;
  globalThis.Date = Stepped;
}

/**
 * Sets the clock relative to the machine's. Timers and `performance.now()` do not notice, as with a real step of the
 * clock.
 */
export function setClock(byMs: number): void {
  offsetMs = byMs;
}
