import { IsInt, Max, Min } from 'class-validator';

/** The settings that a topology file may have under `settings.ordering`. */
export class OrderingSettings {
  /** The time in which the payment of an order must be authorised before the order is cancelled, in milliseconds. */
  @IsInt() @Min(100) @Max(86_400_000) readonly paymentTimeoutMs: number = 60_000;
}
