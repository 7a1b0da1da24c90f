import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsUUID } from 'class-validator';

/** A shipment could not be cancelled, because it is already on its way. */
@EventContract('shipping.cancellation-too-late.v1', { key: 'orderId' })
export class CancellationTooLate {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<CancellationTooLate>) {
    Object.assign(this, fields);
  }
}
