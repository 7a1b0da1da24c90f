import type { ProductionChecked, ProductionFinding } from '@fledge/kit';
import { IsBoolean } from 'class-validator';

/** The settings that a topology file may have under `settings.identity`. */
export class IdentitySettings implements ProductionChecked {
  /** Whether to create two users with known passwords. */
  @IsBoolean() readonly demo: boolean = false;

  productionFindings(): readonly ProductionFinding[] {
    if (!this.demo) return [];
    return [
      {
        name: 'demo-users',
        fact: 'identity makes demonstration users, whose passwords everybody knows',
        cure: 'Set settings.identity.demo to false (FLEDGE_DEMO=false)',
      },
    ];
  }
}
