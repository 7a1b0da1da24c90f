/** How an order is paid: a name that the payment provider gave out. */
export const PAYMENT_METHOD = /^pm_[a-z0-9_]{1,60}$/;
