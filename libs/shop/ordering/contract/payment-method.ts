/** How an order is paid: a token issued by the payment provider. */
export const PAYMENT_METHOD = /^pm_[a-z0-9_]{1,60}$/;
