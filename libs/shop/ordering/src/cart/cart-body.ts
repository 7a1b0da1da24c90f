import { ApiProperty } from '@fledge/kit/openapi';
import { IsInt, IsUUID, Max, Min } from 'class-validator';
import { LINE_QUANTITY_MAX } from '../domain/cart.js';

/** The body of `POST /cart/items`. */
export class NewItem {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  readonly productId!: string;

  @ApiProperty({
    type: 'integer',
    minimum: 1,
    maximum: LINE_QUANTITY_MAX,
    example: 2,
    description: 'Added to what the cart has of it',
  })
  @IsInt()
  @Min(1)
  @Max(LINE_QUANTITY_MAX)
  readonly quantity!: number;
}

/** The body of `PATCH /cart/items/:productId`. */
export class ItemPatch {
  @ApiProperty({ type: 'integer', minimum: 1, maximum: LINE_QUANTITY_MAX, example: 3 })
  @IsInt()
  @Min(1)
  @Max(LINE_QUANTITY_MAX)
  readonly quantity!: number;
}

/** The `:productId` in a path. */
export class ItemId {
  @ApiProperty({ format: 'uuid' }) @IsUUID() readonly productId!: string;
}
