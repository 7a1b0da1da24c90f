import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsOptional, IsString, IsUUID, Length, Matches } from 'class-validator';
import {
  CartChanged,
  EmptyCart,
  ItemOutOfStock,
  ItemUnavailable,
  MixedCurrencies,
  OrderInProgress,
  OrderNotPlaced,
} from './errors.js';
import { OrderView } from './order.view.js';
import { PAYMENT_METHOD } from './payment-method.js';

/** The longest idempotency key, in characters. */
const IDEMPOTENCY_KEY_MAX = 200;

/**
 * Orders the content of a user's cart at current prices: reserves all of it or nothing, and empties the cart. Safe to
 * repeat with the same `idempotencyKey`: returns the order that the first call placed. A failed attempt leaves the key
 * free.
 */
@CommandContract('ordering.place-order.v1', {
  result: OrderView,
  errors: [EmptyCart, CartChanged, ItemUnavailable, ItemOutOfStock, MixedCurrencies, OrderInProgress, OrderNotPlaced],
  deadlineMs: 10_000,
  access: { owner: 'userId' },
})
export class PlaceOrder extends Command<OrderView> {
  @IsUUID() readonly userId!: string;
  @IsOptional() @IsString() @Length(1, IDEMPOTENCY_KEY_MAX) readonly idempotencyKey?: string;
  /** With a payment method, a checkout pays the order; without one, it stays placed. */
  @IsOptional() @Matches(PAYMENT_METHOD) readonly paymentMethod?: string;
  constructor(fields: Fields<PlaceOrder>) {
    super();
    Object.assign(this, fields);
  }
}
