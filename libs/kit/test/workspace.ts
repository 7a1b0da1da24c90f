import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** Files of a workspace: text by path; `undefined` leaves one out. */
export type Files = Readonly<Record<string, string | undefined>>;

/** A workspace on disk. */
export interface TestWorkspace {
  readonly root: string;
  readonly remove: () => void;
}

const MODULE_EXPORTS = { './contract': './contract/index.ts', '.': './src/index.ts' };

/** A module's package.json, whose `exports` may differ. */
export function packageJson(name: string, exports: object | undefined = MODULE_EXPORTS): string {
  return JSON.stringify({ name, type: 'module', exports }, undefined, 2);
}

/** Two sound modules, `orders` that uses `stock`, and an application that lists both. */
export const SOUND: Files = {
  'package.json': JSON.stringify({ workspaces: ['libs/*', 'apps/*'] }),
  'libs/stock/package.json': packageJson('@t/stock'),
  'libs/stock/contract/index.ts': `
    import { CommandContract, defineContract } from '@fledge/kit/contract';
    import { IsInt } from 'class-validator';
    @CommandContract('stock.reserve.v1') export class Reserve { @IsInt() quantity!: number; }
    export const StockContract = defineContract({ name: 'stock', commands: [Reserve], routes: ['/stock'], access: { identity: 'optional' } });`,
  'libs/stock/src/index.ts': `export { StockModule } from './stock.module.js';`,
  'libs/stock/src/stock.row.ts': `@Entity('stock_levels') export class StockRow {}`,
  'libs/stock/src/stock.module.ts': `
    import { BoundedModule } from '@fledge/kit';
    import { StockContract } from '../contract/index.js';
    import { StockRow } from './stock.row.js';
    @BoundedModule({ contract: StockContract, entities: [StockRow] }) export class StockModule {}`,
  'libs/orders/package.json': packageJson('@t/orders'),
  'libs/orders/contract/index.ts': `
    import { defineContract, QueryContract } from '@fledge/kit/contract';
    @QueryContract('orders.get-order.v1', { access: { identity: 'required' } }) export class GetOrder {}
    export const OrdersContract = defineContract({ name: 'orders', queries: [GetOrder], routes: ['/orders'] });`,
  'libs/orders/src/index.ts': `export { OrdersModule } from './orders.module.js';`,
  'libs/orders/src/orders.module.ts': `
    import { BoundedModule } from '@fledge/kit';
    import { StockContract } from '@t/stock/contract';
    import { OrdersContract } from '../contract/index.js';
    @BoundedModule({ contract: OrdersContract, uses: [StockContract] }) export class OrdersModule {}`,
  'libs/orders/src/place.ts': `
    import { Reserve } from '@t/stock/contract';
    export const SQL = 'SELECT o.id FROM orders o JOIN lines l ON l.order_id = o.id';
    export const place = (bus) => bus.execute(new Reserve());`,
  'apps/shop/package.json': JSON.stringify({ name: '@t/shop', type: 'module' }),
  'apps/shop/src/modules.ts': `
    import { StockContract } from '@t/stock/contract';
    export const modules = [{ contract: StockContract, load: () => import('@t/stock').then((m) => m.StockModule) }];`,
};

/** Writes a workspace into a folder of its own; its packages are linked below `node_modules`, as npm does. */
export function writeWorkspace(files: Files): TestWorkspace {
  const root = mkdtempSync(join(tmpdir(), 'fledge-workspace-'));
  for (const [path, text] of Object.entries(files)) {
    if (text === undefined) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    const name = path.endsWith('/package.json') && (JSON.parse(text) as { name?: string }).name;
    if (!name) continue;
    const link = join(root, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(resolve(root, dirname(path)), link);
  }
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}
