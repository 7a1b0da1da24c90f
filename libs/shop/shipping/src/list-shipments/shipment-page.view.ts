import { ApiProperty } from '@fledge/kit/openapi';
import { IsInt, IsUUID, Max, Min } from 'class-validator';
import { ShipmentResource } from '../get-shipment/shipment.view.js';

/** What a cursor of `GET /shipments` holds. */
export class ShipmentCursor {
  /** When the last shipment of the page began, in milliseconds since 1970. */
  @IsInt() @Min(0) @Max(8_640_000_000_000) readonly createdAtMs!: number;
  @IsUUID() readonly orderId!: string;
}

/** A page of shipments. */
export class ShipmentPage {
  @ApiProperty({ type: [ShipmentResource] }) readonly items!: ShipmentResource[];
  @ApiProperty({ type: String, nullable: true, description: 'Send it as `cursor` for the next page; null on the last' })
  readonly nextCursor!: string | null;
}
