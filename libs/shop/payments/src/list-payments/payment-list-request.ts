import { ApiPropertyOptional } from '@fledge/kit/openapi';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, IsUUID, Length, Max, Min } from 'class-validator';

/** Payments per page by default. */
export const PAGE_DEFAULT = 20;
/** The most payments per page. */
export const PAGE_MAX = 100;

/** The query of `GET /payments`. */
export class PaymentListRequest {
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

/** What a cursor of `GET /payments` holds. */
export class PaymentCursor {
  /** When the last payment of the page began, in milliseconds since 1970. */
  @IsInt() @Min(0) @Max(8_640_000_000_000) readonly createdAtMs!: number;
  @IsUUID() readonly orderId!: string;
}
