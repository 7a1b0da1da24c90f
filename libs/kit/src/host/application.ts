import type { Type } from '@nestjs/common';
import type { Contract } from '../contract/index.js';
import type { TransportKind } from '../transport/index.js';

/** A module of an application: its contract, known everywhere, and its code, loaded only where it is hosted. */
export interface ModuleEntry {
  readonly contract: Contract;
  /** Imports the module's package: `() => import('@shop/inventory').then((m) => m.InventoryModule)`. */
  readonly load: () => Promise<Type>;
}

/** All modules of an application. The only place that imports module classes. */
export interface Application {
  readonly name: string;
  /**
   * Semantic version of the deployment, as `nats micro ls` shows it. Default: that of the package.json nearest above
   * the entry file.
   */
  readonly version?: string;
  readonly modules: readonly ModuleEntry[];
  /** Transports besides `local` and `nats`, that topology files can select by name. Default: none. */
  readonly transports?: readonly TransportKind[];
}
