import { now } from '../boundary/index.js';
import type { HandlerContext } from './batch.js';
import type { Delivery } from './deliveries.js';
import type { Membership } from './membership.js';

/** How long after a replica was killed or froze each start of a handler is noted before it, in milliseconds: its message may have been the cause. */
const CAREFUL_MS = 30_000;
/** Noted starts after which a message that is not settled yet is not started again. */
export const DEADLY_STARTS = 3;

/** After a replica was killed: notes each start of a handler before it, so that a message that ends its process again and again is known. */
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

  /** Notes that a message is about to be started. Returns how often the process ended while it was handled, if that is too often. */
  async deathsOf(delivery: Delivery): Promise<number | undefined> {
    const { deliveries, module, logger } = this.context;
    try {
      const starts = await deliveries.noteStart(delivery);
      if (starts === undefined || starts <= DEADLY_STARTS) return undefined;
      logger.error(`${module}: ${delivery.consumer} is not started again with ${delivery.message.id}: the process ended ${starts - 1} times while it was handled`);
      return starts - 1;
    } catch (error) {
      logger.warn(`${module}: the start of ${delivery.message.id} cannot be noted: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }
}
