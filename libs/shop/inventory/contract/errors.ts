import { ContractError, ErrorContract, type Fields } from '@fledge/kit/contract';
import { IsInt, IsString, IsUUID, MaxLength, Min } from 'class-validator';

/** There is less of a product than requested. Nothing of the order is reserved. */
@ErrorContract('inventory.out-of-stock.v1', { kind: 'conflict', hint: 'Ask for `available` or less.' })
export class OutOfStock extends ContractError {
  @IsUUID() readonly productId!: string;
  @IsInt() @Min(1) readonly requested!: number;
  @IsInt() @Min(0) readonly available!: number;
  constructor(fields: Fields<OutOfStock>) {
    super(`${fields.requested} of product ${fields.productId} were asked for, and ${fields.available} are available`);
    Object.assign(this, fields);
  }
}

/** The order has a reservation with other lines. */
@ErrorContract('inventory.reservation-differs.v1', {
  kind: 'conflict',
  hint: 'Release the reservation, and reserve for a new order.',
})
export class ReservationDiffers extends ContractError {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<ReservationDiffers>) {
    super(`order ${fields.orderId} has a reservation with other lines`);
    Object.assign(this, fields);
  }
}

/**
 * The reservation was released, possibly before this request arrived: an order that was given up never holds stock
 * afterwards.
 */
@ErrorContract('inventory.reservation-released.v1', { kind: 'conflict', hint: 'Reserve for a new order.' })
export class ReservationReleased extends ContractError {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<ReservationReleased>) {
    super(`the reservation of order ${fields.orderId} was released`);
    Object.assign(this, fields);
  }
}

/** No stock of the product was ever received. */
@ErrorContract('inventory.stock-not-found.v1', { kind: 'not-found', hint: 'Receive some at POST /stock/receipts.' })
export class StockNotFound extends ContractError {
  @IsUUID() readonly productId!: string;
  constructor(fields: Fields<StockNotFound>) {
    super(`no stock of product ${fields.productId} was ever received`);
    Object.assign(this, fields);
  }
}

/** The reference belongs to another receipt. */
@ErrorContract('inventory.receipt-differs.v1', { kind: 'conflict', hint: 'Give each delivery its own reference.' })
export class ReceiptDiffers extends ContractError {
  @IsString() @MaxLength(100) readonly reference!: string;
  constructor(fields: Fields<ReceiptDiffers>) {
    super(`the reference '${fields.reference}' names a receipt of another product or quantity`);
    Object.assign(this, fields);
  }
}

/** A product cannot have that much stock. */
@ErrorContract('inventory.too-much-stock.v1', { kind: 'conflict', hint: 'Check the quantity.' })
export class TooMuchStock extends ContractError {
  @IsUUID() readonly productId!: string;
  @IsInt() readonly receivedMax!: number;
  constructor(fields: Fields<TooMuchStock>) {
    super(`no more than ${fields.receivedMax} of product ${fields.productId} can ever be received`);
    Object.assign(this, fields);
  }
}
