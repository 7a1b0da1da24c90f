import { IsBoolean, IsInt, Max, Min } from 'class-validator';

/** What the topology file may say under `settings.inventory`. */
export class InventorySettings {
  /** Whether the demonstration products get stock. */
  @IsBoolean() readonly demo: boolean = false;
  /**
   * Milliseconds for which stock is held for an order that does not sell it: from a second, to see it happen, to a
   * week.
   */
  @IsInt() @Min(1_000) @Max(604_800_000) readonly reservationMs: number = 900_000;
}
