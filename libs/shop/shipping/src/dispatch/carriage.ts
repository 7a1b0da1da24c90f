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

/** The most shipments that one round takes up. */
const ROUND_MAX = 200;
/** The tolerated difference between clocks, in milliseconds. */
const SPARE_MS = 5_000;
const CODE_MAX = 10 ** 12;

/** Moves shipments from the warehouse to their buyers. */
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
   * One round. Safe to run concurrently with itself and with cancellations: whoever locks the shipment first wins.
   * Returns the milliseconds until the next one is due, if there was nothing to do.
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
        // One failure must not hold up the others; it is tried again in a later round.
        this.logger.error(
          `The shipment of order ${orderId} does not go on: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
    return undefined;
  }

  /**
   * Dispatches a packed shipment, due or not; returns one that is already on its way unchanged.
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
      // It was cancelled or taken up by another replica after it was found.
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
