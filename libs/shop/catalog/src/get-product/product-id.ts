import { ApiProperty } from '@fledge/kit/openapi';
import { IsUUID } from 'class-validator';

/** The `:id` of a product in a path. */
export class ProductId {
  @ApiProperty({ format: 'uuid' }) @IsUUID() readonly id!: string;
}
