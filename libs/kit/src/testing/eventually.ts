/** A check of a state: returns `false` or throws for 'not yet', anything else for 'reached'. */
export type Check = () => boolean | void | Promise<boolean | void>;

/** How long to wait for a state by default, in milliseconds. */
export const WITHIN_DEFAULT_MS = 5_000;

/**
 * Milliseconds between two checks: short compared to any state worth waiting for, long compared to the cost of a check.
 */
const LOOK_EVERY_MS = 20;

/**
 * Waits for a state instead of sleeping: calls `check` at once and then repeatedly, until it neither returns `false`
 * nor throws (so it may contain `expect`s). A check that hangs is abandoned when the time is up.
 * @param what names the state in the error of a failed wait, as in 'the order is paid'.
 * @param withinMs the limit; default 5,000.
 * @throws an `Error` that names the state; its `cause` is what the last check threw.
 */
export async function eventually(check: Check, what: string, withinMs: number = WITHIN_DEFAULT_MS): Promise<void> {
  const until = performance.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      const seen = await before(until, check);
      if (seen === LATE) throw inVain(what, withinMs, last ?? new Error('the last look did not end'));
      if (seen !== false) return;
      last = undefined;
    } catch (error) {
      if (error instanceof InVain) throw error;
      last = error;
    }
    if (performance.now() >= until) throw inVain(what, withinMs, last);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** A wait that ended without reaching the state. */
class InVain extends Error {
  override readonly name = 'Error';
}

const LATE = Symbol('late');

async function before(until: number, check: Check): Promise<boolean | void | typeof LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, until - performance.now()), LATE);
  });
  try {
    return await Promise.race([check(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function inVain(what: string, withinMs: number, cause: unknown): InVain {
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return new InVain(`${what} did not happen within ${withinMs} ms${reason}`, { cause });
}
