import { IsBoolean } from 'class-validator';

/** The settings that a topology file may have under `settings.identity`. */
export class IdentitySettings {
  /** Whether to create two users with known passwords. */
  @IsBoolean() readonly demo: boolean = false;
}
