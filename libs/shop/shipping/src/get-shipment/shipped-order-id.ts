import { ApiProperty } from '@fledge/kit/openapi';
import { IsUUID } from 'class-validator';

/** The `:orderId` in a path. */
export class ShippedOrderId {
  @ApiProperty({ format: 'uuid' }) @IsUUID() readonly orderId!: string;
}
