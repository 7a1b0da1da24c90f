/**
 * The states of an order. `placing`: its stock is being reserved; `placed`: it is reserved; `rejected`: it could not be
 * reserved; `confirmed`: its money is authorised and its stock sold; `shipped`: it is on its way; `completed`: it is
 * paid; `refunding`: its money is being returned after all; `refunded`: it was returned; `cancelling`: its money is
 * being returned and its stock released, unless it turns out to be on its way; `cancelled`: both are done.
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
