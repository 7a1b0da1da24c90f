import { ApiProperty } from '@nestjs/swagger';
import { IsUUID } from 'class-validator';

/** The `:orderId` in a path. */
export class ShippedOrderId {
  @ApiProperty({ format: 'uuid' }) @IsUUID() readonly orderId!: string;
}
