import { ApiProperty, ApiPropertyOptional } from '@fledge/kit/openapi';
import {
  IsBoolean,
  IsInt,
  IsISO4217CurrencyCode,
  IsString,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
} from 'class-validator';
import { PRICE_MINOR_MAX } from '../../contract/index.js';

const SKU = /^[A-Z0-9][A-Z0-9-]{2,39}$/;
const INK = /\S/;
const BLANK = { message: 'name must not be blank' };
const given = (_body: object, value: unknown): boolean => value !== undefined;

/** The body of `POST /products`. */
export class NewProduct {
  @ApiProperty({ example: 'KIT-9001', pattern: SKU.source })
  @IsString()
  @Matches(SKU, { message: 'sku must be 3 to 40 capital letters, digits and hyphens' })
  readonly sku!: string;

  @ApiProperty({ example: 'Walnut Cutting Board', minLength: 1, maxLength: 200 })
  @IsString()
  @Length(1, 200)
  @Matches(INK, BLANK)
  readonly name!: string;

  @ApiPropertyOptional({ maxLength: 5_000, default: '' })
  @ValidateIf(given)
  @IsString()
  @MaxLength(5_000)
  readonly description: string = '';

  @ApiProperty({
    type: 'integer',
    example: 3_490,
    minimum: 0,
    maximum: PRICE_MINOR_MAX,
    description: 'Minor units of the currency',
  })
  @IsInt()
  @Min(0)
  @Max(PRICE_MINOR_MAX)
  readonly priceMinor!: number;

  @ApiProperty({ example: 'EUR', description: 'ISO 4217' })
  @IsString()
  @Matches(/^[A-Z]{3}$/)
  @IsISO4217CurrencyCode()
  readonly currency!: string;

  @ApiProperty({ example: 'kitchen' })
  @IsString()
  @Length(1, 60)
  readonly categoryId!: string;

  @ApiPropertyOptional({ default: true, description: 'Whether it is on sale' })
  @ValidateIf(given)
  @IsBoolean()
  readonly active: boolean = true;
}

/** The body of `PATCH /products/:id`: omitted fields stay as they are. */
export class ProductPatch {
  @ApiPropertyOptional({ minLength: 1, maxLength: 200 })
  @ValidateIf(given)
  @IsString()
  @Length(1, 200)
  @Matches(INK, BLANK)
  readonly name?: string;

  @ApiPropertyOptional({ maxLength: 5_000 })
  @ValidateIf(given)
  @IsString()
  @MaxLength(5_000)
  readonly description?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: PRICE_MINOR_MAX })
  @ValidateIf(given)
  @IsInt()
  @Min(0)
  @Max(PRICE_MINOR_MAX)
  readonly priceMinor?: number;

  @ApiPropertyOptional({ example: 'kitchen' })
  @ValidateIf(given)
  @IsString()
  @Length(1, 60)
  readonly categoryId?: string;

  @ApiPropertyOptional({ description: 'Whether it is on sale' })
  @ValidateIf(given)
  @IsBoolean()
  readonly active?: boolean;
}
