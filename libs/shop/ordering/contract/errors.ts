import { ContractError, ErrorContract, type Fields } from '@fledge/kit/contract';
import { IsIn, IsInt, IsString, IsUUID, Min } from 'class-validator';
import { ORDER_STATES, type OrderState } from './order-state.js';

/** The cart is empty. */
@ErrorContract('ordering.empty-cart.v1', { kind: 'conflict', hint: 'Add something at POST /cart/items.' })
export class EmptyCart extends ContractError {
  constructor() {
    super('the cart is empty');
  }
}

/** The cart was changed repeatedly while its order was being placed. */
@ErrorContract('ordering.cart-changed.v1', { kind: 'conflict', hint: 'Look at GET /cart, and order again.' })
export class CartChanged extends ContractError {
  constructor() {
    super('the cart was changed while its order was being placed');
  }
}

/** The cart has the maximum number of lines. */
@ErrorContract('ordering.cart-full.v1', { kind: 'conflict', hint: 'Order what is in the cart, or remove a line.' })
export class CartFull extends ContractError {
  @IsInt() readonly linesMax!: number;
  constructor(fields: Fields<CartFull>) {
    super(`the cart has ${fields.linesMax} lines, which is as many as it may have`);
    Object.assign(this, fields);
  }
}

/** A line would exceed the maximum quantity. */
@ErrorContract('ordering.quantity-too-large.v1', { kind: 'conflict', hint: 'Order again for the rest.' })
export class QuantityTooLarge extends ContractError {
  @IsUUID() readonly productId!: string;
  @IsInt() readonly quantity!: number;
  @IsInt() readonly quantityMax!: number;
  constructor(fields: Fields<QuantityTooLarge>) {
    super(
      `${fields.quantity} of product ${fields.productId} are more than the ${fields.quantityMax} that a line may have`,
    );
    Object.assign(this, fields);
  }
}

/** The cart has no line for this product. */
@ErrorContract('ordering.item-not-in-cart.v1', { kind: 'not-found', hint: 'Add it at POST /cart/items.' })
export class ItemNotInCart extends ContractError {
  @IsUUID() readonly productId!: string;
  constructor(fields: Fields<ItemNotInCart>) {
    super(`product ${fields.productId} is not in the cart`);
    Object.assign(this, fields);
  }
}

/** The product is not on sale. */
@ErrorContract('ordering.item-unavailable.v1', {
  kind: 'conflict',
  hint: 'Remove it from the cart at DELETE /cart/items/:productId.',
})
export class ItemUnavailable extends ContractError {
  @IsUUID() readonly productId!: string;
  constructor(fields: Fields<ItemUnavailable>) {
    super(`product ${fields.productId} is not on sale`);
    Object.assign(this, fields);
  }
}

/** An order has one currency. */
@ErrorContract('ordering.mixed-currencies.v1', { kind: 'conflict', hint: 'Order what is in the cart first.' })
export class MixedCurrencies extends ContractError {
  @IsUUID() readonly productId!: string;
  @IsString() readonly currency!: string;
  @IsString() readonly cartCurrency!: string;
  constructor(fields: Fields<MixedCurrencies>) {
    super(`product ${fields.productId} is priced in ${fields.currency}, and the cart in ${fields.cartCurrency}`);
    Object.assign(this, fields);
  }
}

/** There is less of a product than the cart requests. Nothing was ordered, and the cart is unchanged. */
@ErrorContract('ordering.item-out-of-stock.v1', {
  kind: 'conflict',
  hint: 'Change the quantity to `available` or less, or remove the product.',
})
export class ItemOutOfStock extends ContractError {
  @IsUUID() readonly productId!: string;
  @IsInt() @Min(1) readonly requested!: number;
  @IsInt() @Min(0) readonly available!: number;
  constructor(fields: Fields<ItemOutOfStock>) {
    super(`${fields.requested} of product ${fields.productId} were ordered, and ${fields.available} are available`);
    Object.assign(this, fields);
  }
}

/** Another order of the user is being placed right now. */
@ErrorContract('ordering.order-in-progress.v1', {
  kind: 'conflict',
  hint: 'Wait for it. To repeat a request safely, send it with the same Idempotency-Key.',
})
export class OrderInProgress extends ContractError {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<OrderInProgress>) {
    super(`order ${fields.orderId} of the same user is being placed`);
    Object.assign(this, fields);
  }
}

/** The order could not be placed now, through no fault of the buyer. It holds nothing, and the cart is unchanged. */
@ErrorContract('ordering.order-not-placed.v1', { kind: 'unavailable', hint: 'Try again after a moment.' })
export class OrderNotPlaced extends ContractError {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<OrderNotPlaced>) {
    super(`order ${fields.orderId} could not be placed: its stock could not be reserved now`);
    Object.assign(this, fields);
  }
}

/** There is no such order, or it is another user's. */
@ErrorContract('ordering.order-not-found.v1', { kind: 'not-found', hint: 'Take the id from GET /orders.' })
export class OrderNotFound extends ContractError {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<OrderNotFound>) {
    super(`there is no order ${fields.orderId}`);
    Object.assign(this, fields);
  }
}

/** The order is in a state in which it cannot be cancelled. */
@ErrorContract('ordering.order-not-cancellable.v1', {
  kind: 'conflict',
  hint: 'Only an order that is placed or confirmed can be cancelled.',
})
export class OrderNotCancellable extends ContractError {
  @IsUUID() readonly orderId!: string;
  @IsIn(ORDER_STATES) readonly state!: OrderState;
  constructor(fields: Fields<OrderNotCancellable>) {
    super(`order ${fields.orderId} is ${fields.state}`);
    Object.assign(this, fields);
  }
}

/** The order has no money that could be returned. */
@ErrorContract('ordering.order-not-refundable.v1', {
  kind: 'conflict',
  hint: 'Only an order that is completed can be refunded; cancel one that is not yet.',
})
export class OrderNotRefundable extends ContractError {
  @IsUUID() readonly orderId!: string;
  @IsIn(ORDER_STATES) readonly state!: OrderState;
  constructor(fields: Fields<OrderNotRefundable>) {
    super(`order ${fields.orderId} is ${fields.state}`);
    Object.assign(this, fields);
  }
}
