/** An order is on its way, and its money could not be taken: somebody has to look after it. */
export class Unpaid extends Error {
  constructor(orderId: string, reason: string) {
    super(`order ${orderId} was sent, and its money could not be taken: ${reason}`);
    this.name = Unpaid.name;
  }
}
