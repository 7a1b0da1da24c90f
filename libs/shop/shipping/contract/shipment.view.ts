import type { Fields } from '@fledge/kit/contract';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsDate, IsIn, IsOptional, IsString, IsUUID, MaxLength, ValidateNested } from 'class-validator';
import { LINES_MAX, ShipmentLine } from './create-shipment.command.js';

/** `packed`: may still be cancelled; `forbidden`: cancelled before it had begun. */
export const SHIPMENT_STATES = ['packed', 'dispatched', 'delivered', 'cancelled', 'forbidden'] as const;
export type ShipmentState = (typeof SHIPMENT_STATES)[number];
/** The longest tracking code, in characters. */
export const TRACKING_MAX = 40;

/** The shipment of an order. */
export class ShipmentView {
  @IsUUID() readonly shipmentId!: string;
  @IsUUID() readonly orderId!: string;
  @IsIn(SHIPMENT_STATES) readonly state!: ShipmentState;
  /** None if it was cancelled before it had begun. */
  @IsOptional() @IsUUID() readonly userId?: string;
  @ValidateNested({ each: true }) @Type(() => ShipmentLine) @ArrayMaxSize(LINES_MAX) readonly lines!: ShipmentLine[];
  /** Set from its dispatch on. */
  @IsOptional() @IsString() @MaxLength(TRACKING_MAX) readonly trackingCode?: string;
  @IsDate() readonly createdAt!: Date;
  @IsOptional() @IsDate() readonly dispatchedAt?: Date;
  @IsOptional() @IsDate() readonly deliveredAt?: Date;
  constructor(fields: Fields<ShipmentView>) {
    Object.assign(this, fields);
  }
}
