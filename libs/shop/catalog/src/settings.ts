import { IsBoolean } from 'class-validator';

/** What the topology file may say under `settings.catalog`. */
export class CatalogSettings {
  /** Whether an empty catalog gets demonstration products. */
  @IsBoolean() readonly demo: boolean = false;
}
