import { randomInt } from 'node:crypto';
import { Singleton } from '@fledge/kit';
import { Injectable, Logger } from '@nestjs/common';
import { EventBus } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { ShipmentDelivered, ShipmentDispatched, ShipmentGone, ShipmentNotFound } from '../../contract/index.js';
import { ShippingSettings } from '../settings.js';
import { ShipmentRepository } from '../storage/shipment.repository.js';
import type { ShipmentRow } from '../storage/shipment.row.js';

/** Shipments that one round takes up at most. */
const ROUND_MAX = 200;
/** By how much clocks may differ without anybody minding, in milliseconds. */
const SPARE_MS = 5_000;
const CODE_MAX = 10 ** 12;

/** Takes shipments from here to their buyers. */
@Injectable()
export class Carriage {
  private readonly logger = new Logger(Carriage.name);

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly settings: ShippingSettings,
    private readonly shipments: ShipmentRepository,
    private readonly events: EventBus,
  ) {}

  /**
   * One round. Safe to run twice at once, and beside cancellations: whoever locks the shipment first decides. Returns
   * the milliseconds until there is more to do, if there was nothing.
   */
  @Singleton('carry-shipments', { everyMs: 250, idleMs: 60_000 })
  async round(): Promise<number | undefined> {
    const { dispatchAfterMs, deliverAfterMs } = this.settings;
    const { due, nextInMs } = await this.shipments.due(Math.max(dispatchAfterMs, deliverAfterMs) + SPARE_MS, ROUND_MAX);
    if (due.length === 0) return nextInMs;
    for (const { orderId, dueAt } of due) {
      try {
        await this.goOn(orderId, dueAt);
      } catch (error) {
        // The others do not wait for this one, which is taken up again.
        this.logger.error(
          `The shipment of order ${orderId} does not go on: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
    return undefined;
  }

  /**
   * Dispatches what is packed, due or not; answers what is on its way already as it is.
   * @throws ShipmentNotFound; ShipmentGone for one that was cancelled.
   */
  async dispatchNow(orderId: string): Promise<ShipmentRow> {
    return this.dataSource.transaction(async () => {
      const shipment = await this.shipments.lock(orderId);
      if (!shipment || shipment.state === 'forbidden') throw new ShipmentNotFound({ orderId });
      if (shipment.state === 'cancelled') throw new ShipmentGone({ orderId, state: shipment.state });
      return shipment.state === 'packed' ? this.dispatch(shipment) : shipment;
    });
  }

  private async goOn(orderId: string, dueAt: Date): Promise<void> {
    await this.dataSource.transaction(async () => {
      const shipment = await this.shipments.lock(orderId);
      // It was cancelled or taken up by another one since it was found.
      if (shipment?.dueAt?.getTime() !== dueAt.getTime()) return;
      if (shipment.state === 'packed') await this.dispatch(shipment);
      else await this.deliver(shipment);
    });
  }

  private async dispatch(shipment: ShipmentRow): Promise<ShipmentRow> {
    const { orderId, shipmentId } = shipment;
    const dispatchedAt = new Date();
    const trackingCode = `FL${String(randomInt(CODE_MAX)).padStart(12, '0')}`;
    const dispatched: ShipmentRow = {
      ...shipment,
      state: 'dispatched',
      trackingCode,
      dispatchedAt,
      dueAt: new Date(dispatchedAt.getTime() + this.settings.deliverAfterMs),
    };
    await this.shipments.store(dispatched);
    this.events.publish(new ShipmentDispatched({ orderId, shipmentId, trackingCode }));
    return dispatched;
  }

  private async deliver(shipment: ShipmentRow): Promise<void> {
    await this.shipments.store({ ...shipment, state: 'delivered', deliveredAt: new Date(), dueAt: null });
    this.events.publish(new ShipmentDelivered({ orderId: shipment.orderId }));
  }
}
