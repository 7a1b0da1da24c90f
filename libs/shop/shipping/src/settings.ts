import { IsInt, Max, Min } from 'class-validator';

/**
 * The settings that a topology file may have under `settings.shipping`. They simulate the warehouse and the parcel
 * service, which take their time.
 */
export class ShippingSettings {
  /** How long a packed shipment stays here and may be cancelled, in milliseconds. */
  @IsInt() @Min(0) @Max(604_800_000) readonly dispatchAfterMs: number = 2_000;
  /** Milliseconds from the dispatch of a shipment to its delivery. */
  @IsInt() @Min(0) @Max(2_592_000_000) readonly deliverAfterMs: number = 10_000;
}
