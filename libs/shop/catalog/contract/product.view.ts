import type { Fields } from '@fledge/kit/contract';
import {
  IsBoolean,
  IsInt,
  IsISO4217CurrencyCode,
  IsString,
  IsUUID,
  Length,
  Max,
  MaxLength,
  Min,
} from 'class-validator';

/** The highest price, in minor units: ten million in a currency of hundredths. */
export const PRICE_MINOR_MAX = 1_000_000_000;

/** The prefix of the skus of demo products, by which the demo code of other modules recognises them. */
export const DEMO_SKU_PREFIX = 'DEMO-';

/** A product as other modules know it. */
export class ProductView {
  @IsUUID() readonly id!: string;
  /** The shop's own product number; unique. */
  @IsString() @Length(3, 40) readonly sku!: string;
  @IsString() @Length(1, 200) readonly name!: string;
  @IsString() @MaxLength(5_000) readonly description!: string;
  /** The price of one, in minor units of `currency`. */
  @IsInt() @Min(0) @Max(PRICE_MINOR_MAX) readonly priceMinor!: number;
  /** ISO 4217. Never changes for a product. */
  @IsISO4217CurrencyCode() readonly currency!: string;
  @IsString() @Length(1, 60) readonly categoryId!: string;
  /** Whether it is on sale. A product that is not can still be read, for orders that contain it. */
  @IsBoolean() readonly active!: boolean;

  constructor(fields: Fields<ProductView>) {
    Object.assign(this, fields);
  }
}
