/**
 * Where an order is. `placing`: its stock is being reserved; `placed`: it is; `rejected`: it could not be; `confirmed`:
 * its money is set aside and its stock is sold; `shipped`: it is on its way; `completed`: it is paid; `refunding`: its
 * money goes back after all; `refunded`: it did; `cancelling`: given up, its money and its stock go back, unless it
 * turns out to be on its way; `cancelled`: they did.
 */
export const ORDER_STATES = [
  'placing',
  'placed',
  'rejected',
  'confirmed',
  'shipped',
  'completed',
  'refunding',
  'refunded',
  'cancelling',
  'cancelled',
] as const;
/** One of `ORDER_STATES`. */
export type OrderState = (typeof ORDER_STATES)[number];
