import { randomUUID } from 'node:crypto';
import { CommandHandler, EventBus, type ICommandHandler } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { CancellationTooLate, CancelShipment, ShipmentCancelled } from '../../contract/index.js';
import { ShipmentRepository } from '../storage/shipment.repository.js';

/**
 * Stops a shipment that is not yet dispatched. One that has not begun is forbidden, whichever of the two commands comes
 * first.
 */
@CommandHandler(CancelShipment)
export class CancelShipmentHandler implements ICommandHandler<CancelShipment> {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly shipments: ShipmentRepository,
    private readonly events: EventBus,
  ) {}

  async execute({ orderId }: CancelShipment): Promise<void> {
    await this.dataSource.transaction(async () => {
      const forbidden = {
        orderId,
        shipmentId: randomUUID(),
        userId: null,
        lines: [],
        state: 'forbidden',
        createdAt: new Date(),
        dueAt: null,
        trackingCode: null,
        dispatchedAt: null,
        deliveredAt: null,
      } as const;
      if (await this.shipments.add({ ...forbidden, lines: [] })) {
        this.events.publish(new ShipmentCancelled({ orderId }));
        return;
      }
      const shipment = await this.shipments.lock(orderId);
      if (shipment?.state === 'packed') {
        await this.shipments.store({ ...shipment, state: 'cancelled', dueAt: null });
        this.events.publish(new ShipmentCancelled({ orderId }));
      } else if (shipment?.state === 'dispatched' || shipment?.state === 'delivered') {
        this.events.publish(new CancellationTooLate({ orderId }));
      }
    });
  }
}
