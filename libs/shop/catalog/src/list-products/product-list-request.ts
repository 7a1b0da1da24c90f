import { PageRequest } from '@fledge/kit';
import { ApiPropertyOptional } from '@fledge/kit/openapi';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, Length, Max, MaxLength, Min } from 'class-validator';
import { PRICE_MINOR_MAX } from '../../contract/index.js';
import { type Direction, DIRECTIONS, type Place, type Sort, SORTS } from '../domain/product-order.js';

/** The query of `GET /products`. */
export class ProductListRequest extends PageRequest {
  @ApiPropertyOptional({
    description: 'Words to search for, "phrases", -exclusions, or',
    maxLength: 200,
    example: 'walnut -chair',
  })
  @IsOptional()
  @IsString()
  @Length(1, 200)
  readonly q?: string;

  @ApiPropertyOptional({ example: 'kitchen' })
  @IsOptional()
  @IsString()
  @Length(1, 60)
  readonly categoryId?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, description: 'The lowest price, in minor units' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(PRICE_MINOR_MAX)
  readonly priceMin?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, description: 'The highest price, in minor units' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(PRICE_MINOR_MAX)
  readonly priceMax?: number;

  @ApiPropertyOptional({ enum: SORTS, description: 'Default: relevance for a search, else newest' })
  @IsOptional()
  @IsIn(SORTS)
  readonly sort?: Sort;

  @ApiPropertyOptional({ enum: DIRECTIONS, description: 'Default: asc for name and price, else desc' })
  @IsOptional()
  @IsIn(DIRECTIONS)
  readonly direction?: Direction;

  @ApiPropertyOptional({ description: '`nextCursor` of the page before; the rest of the query must be the same' })
  override readonly cursor?: string;
}

/** What a cursor of `GET /products` holds. */
export class ProductCursor implements Place {
  @IsIn(SORTS) readonly sort!: Sort;
  @IsIn(DIRECTIONS) readonly direction!: Direction;
  @IsString() @MaxLength(200) readonly value!: string;
  @IsUUID() readonly id!: string;
}
