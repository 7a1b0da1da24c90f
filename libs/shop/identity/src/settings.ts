import type { ProductionChecked, ProductionFinding } from '@fledge/kit';
import { IsBoolean, IsInt, Max, Min } from 'class-validator';
import { ACCESS_TOKENS } from '../contract/index.js';

/** The settings that a topology file may have under `settings.identity`. */
export class IdentitySettings implements ProductionChecked {
  /** Whether to create two users with known passwords. */
  @IsBoolean() readonly demo: boolean = false;
  /** How long an access token is valid, in milliseconds, a minute to an hour. Refreshing renews it without a password. */
  @IsInt() @Min(60_000) @Max(ACCESS_TOKENS.lifetimeMaxSeconds * 1_000) readonly accessTokenMs: number = 900_000;

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
