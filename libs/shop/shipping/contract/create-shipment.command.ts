import { CommandContract, type Fields } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsInt, IsUUID, Max, Min, ValidateNested } from 'class-validator';

/** The most lines of a shipment. */
export const LINES_MAX = 100;

/** A quantity of one product. */
export class ShipmentLine {
  @IsUUID() readonly productId!: string;
  @IsInt() @Min(1) @Max(1_000_000) readonly quantity!: number;
  constructor(fields: Fields<ShipmentLine>) {
    Object.assign(this, fields);
  }
}

/**
 * Packs what was ordered; it is dispatched after a while. `ShipmentCreated` reports it. Does nothing if the shipment
 * was cancelled before, which has already been reported. Safe to repeat: an order is shipped at most once.
 */
@CommandContract('shipping.create-shipment.v1', { idempotent: true })
export class CreateShipment extends Command<void> {
  @IsUUID() readonly orderId!: string;
  @IsUUID() readonly userId!: string;
  @ValidateNested({ each: true })
  @Type(() => ShipmentLine)
  @ArrayMinSize(1)
  @ArrayMaxSize(LINES_MAX)
  readonly lines!: ShipmentLine[];
  constructor(fields: Fields<CreateShipment>) {
    super();
    Object.assign(this, fields);
  }
}
