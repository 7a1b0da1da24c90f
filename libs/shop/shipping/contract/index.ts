/**
 * What other modules may know of shipping: sending what was ordered, stopping it before it is dispatched, and the
 * resulting events.
 * @packageDocumentation
 */
import { defineContract } from '@fledge/kit/contract';
import { CancelShipment } from './cancel-shipment.command.js';
import { CancellationTooLate } from './cancellation-too-late.event.js';
import { CreateShipment } from './create-shipment.command.js';
import { GetShipment } from './get-shipment.query.js';
import { ShipmentCancelled } from './shipment-cancelled.event.js';
import { ShipmentCreated } from './shipment-created.event.js';
import { ShipmentDelivered } from './shipment-delivered.event.js';
import { ShipmentDispatched } from './shipment-dispatched.event.js';

export { CancelShipment } from './cancel-shipment.command.js';
export { CancellationTooLate } from './cancellation-too-late.event.js';
export { CreateShipment, LINES_MAX, ShipmentLine } from './create-shipment.command.js';
export { ShipmentGone, ShipmentNotFound } from './errors.js';
export { GetShipment } from './get-shipment.query.js';
export { ShipmentCancelled } from './shipment-cancelled.event.js';
export { ShipmentCreated } from './shipment-created.event.js';
export { ShipmentDelivered } from './shipment-delivered.event.js';
export { ShipmentDispatched } from './shipment-dispatched.event.js';
export { SHIPMENT_STATES, type ShipmentState, ShipmentView, TRACKING_MAX } from './shipment.view.js';

/** Shipping: one shipment for each order. */
export const ShippingContract = defineContract({
  name: 'shipping',
  commands: [CreateShipment, CancelShipment],
  queries: [GetShipment],
  events: [ShipmentCreated, ShipmentDispatched, ShipmentDelivered, ShipmentCancelled, CancellationTooLate],
  routes: ['/shipments'],
  unknownFields: 'open',
  access: { identity: 'optional', callers: ['ordering'] },
});
