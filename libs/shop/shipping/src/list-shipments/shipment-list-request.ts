import { ApiProperty, ApiPropertyOptional } from '@fledge/kit/openapi';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, IsUUID, Length, Max, Min } from 'class-validator';
import { ShipmentResource } from '../get-shipment/shipment.view.js';

/** Shipments per page by default. */
export const PAGE_DEFAULT = 20;
/** The most shipments per page. */
export const PAGE_MAX = 100;

/** The query of `GET /shipments`. */
export class ShipmentListRequest {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: PAGE_MAX, default: PAGE_DEFAULT })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(PAGE_MAX)
  readonly limit: number = PAGE_DEFAULT;

  @ApiPropertyOptional({ description: '`nextCursor` of the page before' })
  @IsOptional()
  @IsString()
  @Length(1, 1_024)
  readonly cursor?: string;
}

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
