import { IsBoolean } from 'class-validator';

/** What the topology file may say under `settings.identity`. */
export class IdentitySettings {
  /** Whether there are two users with known passwords. */
  @IsBoolean() readonly demo: boolean = false;
}
