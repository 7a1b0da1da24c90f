import { ShipmentLine, ShipmentView } from '../../contract/index.js';
import type { ShipmentRow } from '../storage/shipment.row.js';

/** What other modules see of a shipment. */
export function viewOf({
  shipmentId,
  orderId,
  state,
  userId,
  lines,
  trackingCode,
  createdAt,
  dispatchedAt,
  deliveredAt,
}: ShipmentRow): ShipmentView {
  return new ShipmentView({
    shipmentId,
    orderId,
    state,
    createdAt,
    lines: lines.map((line) => new ShipmentLine(line)),
    ...(userId !== null && { userId }),
    ...(trackingCode !== null && { trackingCode }),
    ...(dispatchedAt !== null && { dispatchedAt }),
    ...(deliveredAt !== null && { deliveredAt }),
  });
}
