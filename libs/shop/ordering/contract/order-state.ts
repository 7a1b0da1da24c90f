/**
 * Where an order is. `placing`: its stock is being reserved; `placed`: it is; `rejected`: it could not be; `cancelling`: given
 * up, its stock is being released; `cancelled`: it is.
 */
export const ORDER_STATES = ['placing', 'placed', 'rejected', 'cancelling', 'cancelled'] as const;
/** One of `ORDER_STATES`. */
export type OrderState = (typeof ORDER_STATES)[number];
