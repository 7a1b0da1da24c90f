import type { ProductionChecked, ProductionFinding } from '@fledge/kit';
import { IsBoolean } from 'class-validator';

/** The settings that a topology file may have under `settings.catalog`. */
export class CatalogSettings implements ProductionChecked {
  /** Whether to fill an empty catalog with demo products. */
  @IsBoolean() readonly demo: boolean = false;

  productionFindings(): readonly ProductionFinding[] {
    if (!this.demo) return [];
    return [
      {
        name: 'demo-data',
        fact: 'catalog fills an empty catalog with demonstration products',
        cure: 'Set settings.catalog.demo to false (FLEDGE_DEMO=false)',
      },
    ];
  }
}
