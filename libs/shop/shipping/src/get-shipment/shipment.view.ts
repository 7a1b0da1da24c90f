import { ApiProperty, ApiPropertyOptional } from '@fledge/kit/openapi';
import { SHIPMENT_STATES, type ShipmentState, type ShipmentView } from '../../contract/index.js';

/** A quantity of one product, as HTTP shows it. */
export class ShipmentLineResource {
  @ApiProperty({ format: 'uuid' }) readonly productId!: string;
  @ApiProperty({ type: 'integer', example: 2 }) readonly quantity!: number;
}

/** The shipment of an order, as HTTP shows it. */
export class ShipmentResource {
  @ApiProperty({ format: 'uuid' }) readonly shipmentId: string;
  @ApiProperty({ format: 'uuid' }) readonly orderId: string;
  @ApiProperty({ enum: SHIPMENT_STATES, example: 'dispatched' }) readonly state: ShipmentState;
  @ApiProperty({ type: [ShipmentLineResource] }) readonly lines: ShipmentLineResource[];
  @ApiPropertyOptional({ example: 'FL000271828182', description: 'From its dispatch on' })
  readonly trackingCode?: string;
  @ApiProperty() readonly createdAt: Date;
  @ApiPropertyOptional() readonly dispatchedAt?: Date;
  @ApiPropertyOptional() readonly deliveredAt?: Date;

  constructor(shipment: ShipmentView) {
    this.shipmentId = shipment.shipmentId;
    this.orderId = shipment.orderId;
    this.state = shipment.state;
    this.lines = shipment.lines.map(({ productId, quantity }) => ({ productId, quantity }));
    if (shipment.trackingCode != null) this.trackingCode = shipment.trackingCode;
    this.createdAt = shipment.createdAt;
    if (shipment.dispatchedAt != null) this.dispatchedAt = shipment.dispatchedAt;
    if (shipment.deliveredAt != null) this.deliveredAt = shipment.deliveredAt;
  }
}
