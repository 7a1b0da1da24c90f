const Machine = Date;
let offsetMs = 0;

const now = (): number => Machine.now() + offsetMs;

const Stepped = new Proxy(Machine, {
  construct: (target, args: unknown[], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
  apply: () => new Machine(now()).toString(),
  get: (target, name, receiver) => (name === 'now' ? now : (Reflect.get(target, name, receiver) as unknown)),
});

/** Gives this process a `Date` that can be set. Before anything else is loaded, so that there is one `Date` for all. */
export function takeClock(): void {
  // a date's constructor is the `Date` that everybody sees
  Machine.prototype.constructor = Stepped;
  globalThis.Date = Stepped;
}

/**
 * Sets the clock beside the machine's. What counts time by `performance.now()` and timers does not notice, as with a
 * real step.
 */
export function setClock(byMs: number): void {
  offsetMs = byMs;
}
