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

/** Characters of an idempotency key at most. */
export const IDEMPOTENCY_KEY_MAX = 200;

/**
 * Orders what is in a user's cart at today's prices: reserves all of it or nothing, and empties the cart. Safe to
 * repeat with the same `idempotencyKey`: answers the order that the first one placed. An attempt that placed none
 * leaves the key free.
 */
@CommandContract('ordering.place-order.v1', {
  result: OrderView,
  errors: [EmptyCart, CartChanged, ItemUnavailable, ItemOutOfStock, MixedCurrencies, OrderInProgress, OrderNotPlaced],
  deadlineMs: 10_000,
})
export class PlaceOrder extends Command<OrderView> {
  @IsUUID() readonly userId!: string;
  @IsOptional() @IsString() @Length(1, IDEMPOTENCY_KEY_MAX) readonly idempotencyKey?: string;
  /** With one, the order is paid by a checkout; without, it stays placed. */
  @IsOptional() @Matches(PAYMENT_METHOD) readonly paymentMethod?: string;
  constructor(fields: Fields<PlaceOrder>) {
    super();
    Object.assign(this, fields);
  }
}
