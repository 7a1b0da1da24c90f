import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsUUID } from 'class-validator';

/** A shipment was to be cancelled and is on its way already. */
@EventContract('shipping.cancellation-too-late.v1', { key: 'orderId' })
export class CancellationTooLate {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<CancellationTooLate>) {
    Object.assign(this, fields);
  }
}
