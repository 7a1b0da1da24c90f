import { ApiProperty } from '@fledge/kit/openapi';
import { IsBoolean, IsOptional, IsString, Length } from 'class-validator';

/** Why money is refunded, and whether the goods came back. */
export class RefundBody {
  @ApiProperty({ required: false, example: 'came broken', default: 'refunded by the shop' })
  @IsOptional()
  @IsString()
  @Length(1, 500)
  readonly reason?: string;

  @ApiProperty({ required: false, default: false, description: 'Whether what was sold can be sold again' })
  @IsOptional()
  @IsBoolean()
  readonly restock?: boolean;
}
