/** A look at a state: `false` or an error for not yet, anything else for reached. */
export type Check = () => boolean | void | Promise<boolean | void>;

/** Milliseconds that a state is waited for when nothing else is said. */
export const WITHIN_DEFAULT_MS = 5_000;

/** Milliseconds between two looks: short beside any state worth waiting for, long beside the cost of a look. */
const LOOK_EVERY_MS = 20;

/**
 * Waits for a state instead of sleeping: looks at once and then again and again, until `check` neither answers `false`
 * nor throws (so it may hold `expect`s). A look that hangs is not waited for longer than the rest of the time.
 * @param what names the state in the error of a wait that was in vain, as in 'the order is paid'.
 * @param withinMs the limit; default 5,000.
 * @throws an `Error` that names the state; its `cause` is what the last look threw.
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

/** A wait that ended without its state. */
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
  return new InVain(`${what} did not come about within ${withinMs} ms${reason}`, { cause });
}
