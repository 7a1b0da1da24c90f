import { ContractError, ErrorContract, type Fields } from '@fledge/kit/contract';
import { IsIn, IsUUID } from 'class-validator';
import { SHIPMENT_STATES, type ShipmentState } from './shipment.view.js';

/** The order has no shipment, or one that the caller may not see. */
@ErrorContract('shipping.shipment-not-found.v1', {
  kind: 'not-found',
  hint: 'Check the id of the order; its shipment begins when its payment is authorised.',
})
export class ShipmentNotFound extends ContractError {
  @IsUUID() readonly orderId!: string;
  constructor(fields: Fields<ShipmentNotFound>) {
    super(`there is no shipment of order ${fields.orderId}`);
    Object.assign(this, fields);
  }
}

/** The shipment can no longer be dispatched. */
@ErrorContract('shipping.shipment-gone.v1', {
  kind: 'conflict',
  hint: 'Only what is packed can be dispatched: read the shipment.',
})
export class ShipmentGone extends ContractError {
  @IsUUID() readonly orderId!: string;
  @IsIn(SHIPMENT_STATES) readonly state!: ShipmentState;
  constructor(fields: Fields<ShipmentGone>) {
    super(`the shipment of order ${fields.orderId} is ${fields.state}`);
    Object.assign(this, fields);
  }
}
