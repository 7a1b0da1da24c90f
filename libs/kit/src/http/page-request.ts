import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { CURSOR_CHARS_MAX } from './cursor.js';
import { ApiPropertyOptional } from './openapi-decorators.js';

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;

/**
 * The query of a list that is read page by page. A list with filters extends it. Read `cursor` with `decodeCursor`, and
 * write that of the next page with `encodeCursor`.
 */
export class PageRequest {
  /** Items a page, from 1 to 100. Default: 20. */
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(LIMIT_MAX)
  readonly limit: number = LIMIT_DEFAULT;

  /** The place after which the page begins. Default: the first page. */
  @ApiPropertyOptional({ minLength: 1, maxLength: CURSOR_CHARS_MAX, description: '`nextCursor` of the page before' })
  @IsOptional()
  @IsString()
  @Length(1, CURSOR_CHARS_MAX)
  readonly cursor?: string;
}
