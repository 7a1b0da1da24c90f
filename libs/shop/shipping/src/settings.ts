import { IsInt, Max, Min } from 'class-validator';

/**
 * What the topology file may say under `settings.shipping`. Stands for the warehouse and the parcel service, which take
 * their time.
 */
export class ShippingSettings {
  /** Milliseconds for which what is packed stays here, and may be cancelled. */
  @IsInt() @Min(0) @Max(604_800_000) readonly dispatchAfterMs: number = 2_000;
  /** Milliseconds from its dispatch until a shipment is with its buyer. */
  @IsInt() @Min(0) @Max(2_592_000_000) readonly deliverAfterMs: number = 10_000;
}
