import { ApiProperty } from '@fledge/kit/openapi';
import { IsInt, IsString, IsUUID, Length, Max, Min } from 'class-validator';

/** The most units of one delivery. */
export const RECEIPT_QUANTITY_MAX = 1_000_000;

/** The body of `POST /stock/receipts`. */
export class NewReceipt {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  readonly productId!: string;

  @ApiProperty({ type: 'integer', example: 100, minimum: 1, maximum: RECEIPT_QUANTITY_MAX })
  @IsInt()
  @Min(1)
  @Max(RECEIPT_QUANTITY_MAX)
  readonly quantity!: number;

  @ApiProperty({
    example: 'DN-2026-0117',
    minLength: 1,
    maxLength: 100,
    description: 'Names the delivery: sent twice, it is received once',
  })
  @IsString()
  @Length(1, 100)
  readonly reference!: string;
}
