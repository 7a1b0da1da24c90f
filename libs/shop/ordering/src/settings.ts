import { IsInt, Max, Min } from 'class-validator';

/** What the topology file may say under `settings.ordering`. */
export class OrderingSettings {
  /** Milliseconds within which the payment of an order is authorised, or the order is given up. */
  @IsInt() @Min(100) @Max(86_400_000) readonly paymentTimeoutMs: number = 60_000;
}
