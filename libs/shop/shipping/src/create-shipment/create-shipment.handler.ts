import { randomUUID } from 'node:crypto';
import { CommandHandler, EventBus, type ICommandHandler } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { CreateShipment, ShipmentCreated } from '../../contract/index.js';
import { ShippingSettings } from '../settings.js';
import { ShipmentRepository } from '../storage/shipment.repository.js';

/** Packs what was ordered, unless it is already packed or was cancelled before. */
@CommandHandler(CreateShipment)
export class CreateShipmentHandler implements ICommandHandler<CreateShipment> {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly settings: ShippingSettings,
    private readonly shipments: ShipmentRepository,
    private readonly events: EventBus,
  ) {}

  async execute({ orderId, userId, lines }: CreateShipment): Promise<void> {
    const shipmentId = randomUUID();
    const createdAt = new Date();
    const dueAt = new Date(createdAt.getTime() + this.settings.dispatchAfterMs);
    await this.dataSource.transaction(async () => {
      const isNew = await this.shipments.add({
        orderId,
        shipmentId,
        userId,
        lines,
        state: 'packed',
        createdAt,
        dueAt,
        trackingCode: null,
        dispatchedAt: null,
        deliveredAt: null,
      });
      if (isNew) this.events.publish(new ShipmentCreated({ orderId, shipmentId }));
    });
  }
}
