import type { ProductionChecked, ProductionFinding } from '@fledge/kit';
import { IsBoolean, IsInt, Max, Min } from 'class-validator';

/** The settings that a topology file may have under `settings.inventory`. */
export class InventorySettings implements ProductionChecked {
  /** Whether to give stock to the demo products. */
  @IsBoolean() readonly demo: boolean = false;
  /**
   * How long stock is held for an order that is not sold, in milliseconds: from a second, for demonstrations, to a
   * week.
   */
  @IsInt() @Min(1_000) @Max(604_800_000) readonly reservationMs: number = 900_000;

  productionFindings(): readonly ProductionFinding[] {
    if (!this.demo) return [];
    return [
      {
        name: 'demo-data',
        fact: 'inventory gives stock to the demonstration products',
        cure: 'Set settings.inventory.demo to false (FLEDGE_DEMO=false)',
      },
    ];
  }
}
