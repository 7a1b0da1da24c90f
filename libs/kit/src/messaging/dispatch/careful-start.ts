import { now } from '../../boundary/index.js';
import type { HandlerContext } from './batch.js';
import type { Delivery } from '../inbox/deliveries.js';
import type { Membership } from '../replicas/membership.js';

/**
 * For how long after a replica was killed or froze each start of a handler is recorded first, in milliseconds: its
 * message may have been the cause.
 */
const CAREFUL_MS = 30_000;
/** The number of recorded starts after which an unsettled message is not started again. */
export const DEADLY_STARTS = 3;

/**
 * Resolves with the turn of the last suspect of this process, across all modules: a crash ends everything that runs in
 * the process.
 */
let lastTurn: Promise<void> = Promise.resolve();

/** Whether a message may start now, and how to end its turn. */
export interface Turn {
  /** How often the process ended while the message was handled, if that is too often. */
  readonly deaths: number | undefined;
  /**
   * Ends the turn. The start of a message that is not settled is no longer counted: its process did not end, so
   * the message did not end it.
   */
  end(isSettled: boolean): Promise<void>;
}

/**
 * After a replica was killed, records each start of a handler before it, in order to recognize a message that crashes
 * its process again and again.
 */
export class CarefulStart {
  private until = 0;

  constructor(
    private readonly context: HandlerContext,
    membership: Membership,
  ) {
    membership.onDeath(() => (this.until = now() + CAREFUL_MS));
  }

  get isOn(): boolean {
    return now() < this.until;
  }

  /**
   * Records that a message is about to be started. A message that was being handled when a process ended waits until no
   * other such message runs here, so that a message that only ran at the same time is not blamed. Returns `undefined`
   * when the message must no longer be started here.
   */
  async turnOf(delivery: Delivery, isStillHere: () => boolean): Promise<Turn | undefined> {
    const { deliveries } = this.context;
    let leave = (): void => undefined;
    let starts: number | undefined;
    try {
      if ((await deliveries.startsOf(delivery)) > 0) {
        const before = lastTurn;
        lastTurn = new Promise((resolve) => (leave = resolve));
        await before;
      }
      if (isStillHere()) starts = await deliveries.noteStart(delivery);
    } catch (error) {
      if (isStillHere()) this.warn('noted', delivery, error);
    }
    const end = async (isSettled: boolean): Promise<void> => {
      leave();
      if (!isSettled && starts !== undefined) await this.takeBack(delivery);
    };
    // another replica may have its partition by now
    if (!isStillHere()) {
      await end(false);
      return undefined;
    }
    if (starts === undefined || starts <= DEADLY_STARTS) return { deaths: undefined, end };
    this.context.logger.error(
      `${this.context.module}: ${delivery.consumer} is not started again with ${delivery.message.id}: the process ended ${starts - 1} times while it was handled`,
    );
    return { deaths: starts - 1, end };
  }

  private async takeBack(delivery: Delivery): Promise<void> {
    try {
      await this.context.deliveries.takeBackStart(delivery);
    } catch (error) {
      this.warn('taken back', delivery, error);
    }
  }

  private warn(what: 'noted' | 'taken back', { message }: Delivery, error: unknown): void {
    const { module, logger } = this.context;
    logger.warn(
      `${module}: the start of ${message.id} cannot be ${what}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
