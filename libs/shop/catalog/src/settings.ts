import { IsBoolean } from 'class-validator';

/** The settings that a topology file may have under `settings.catalog`. */
export class CatalogSettings {
  /** Whether to fill an empty catalog with demo products. */
  @IsBoolean() readonly demo: boolean = false;
}
