import { ApiProperty } from '@fledge/kit/openapi';
import { IsUUID } from 'class-validator';

/** The `:id` of an order in a path. */
export class OrderId {
  @ApiProperty({ format: 'uuid' }) @IsUUID() readonly id!: string;
}
