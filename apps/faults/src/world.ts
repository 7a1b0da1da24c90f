import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { AgentReport } from './agent/orders.js';
import { beginAudit } from './check/audit.js';
import { Tables } from './check/tables.js';
import { Broker } from './machine/broker.js';
import { Database } from './machine/database.js';
import { freePort } from './machine/free-port.js';
import { Provider, WEBHOOK_SECRET } from './machine/provider.js';
import type { Proxy } from './machine/proxy.js';
import { logIn, signUp } from './shop/buyers.js';
import type { ShopClient } from './shop/client.js';
import { Shop } from './shop/shop.js';
import { DUPLICATE_WINDOW_MS, type TopologyName } from './shop/topologies.js';

const MAIN = fileURLToPath(new URL('../../shop/src/main.js', import.meta.url));
const run = promisify(execFile);

/** Longer than the window in which the broker knows a message again, and than a lease. */
const FROZEN_MS = 5_000 + 2 * DUPLICATE_WINDOW_MS;
/** Buyers of a world; they stay the same for all its rounds. */
export const BUYERS = 6;
/** Products that are bought: few, so that orders meet at their stock. */
export const PRODUCTS = 4;

/** What a world is made of. */
export interface WorldOptions {
  readonly topology: TopologyName;
  /** Modules that are loaded into every service first, for mutations. */
  readonly preload: readonly string[];
}

/** A shop with a database, a broker and a payment provider of its own, that rounds are played on. */
export class World {
  shop!: Shop;
  buyers: readonly ShopClient[] = [];
  products: readonly string[] = [];
  staff!: ShopClient;
  /** What the agents in the services did since it was last looked at. */
  readonly reports: AgentReport[] = [];
  private restartingDatabase: Promise<void> = Promise.resolve();
  private restartingBroker: Promise<void> = Promise.resolve();

  private constructor(
    readonly topology: TopologyName,
    private readonly dir: string,
    readonly database: Database,
    readonly broker: Broker | undefined,
    readonly provider: Provider,
  ) {}

  static async make({ topology, preload }: WorldOptions): Promise<World> {
    const dir = await mkdtemp(join(tmpdir(), 'fledge-faults-'));
    const database = await Database.start(join(dir, 'postgres'));
    const broker = topology === 'monolith' ? undefined : await Broker.start(join(dir, 'nats'));
    const paymentsPort = await freePort();
    const provider = await Provider.start(join(dir, 'book.jsonl'), `http://127.0.0.1:${paymentsPort}/payments/webhooks`);
    const world = new World(topology, dir, database, broker, provider);
    try {
      await world.open(preload, paymentsPort);
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  line(name: 'database' | 'broker'): Proxy | undefined {
    return name === 'database' ? this.database.line : this.broker?.line;
  }

  /** One after the other: a server that is away can not be taken away. */
  restartDatabase(awayMs: number): Promise<void> {
    return (this.restartingDatabase = this.restartingDatabase.then(() => this.database.restart(awayMs)));
  }

  restartBroker(awayMs: number, wipe: boolean): Promise<void> {
    return (this.restartingBroker = this.restartingBroker.then(() => this.broker?.restart(awayMs, wipe)));
  }

  /** Ends all injuries that are still to come, and waits for what was injured to stand again. */
  async heal(withinMs: number): Promise<void> {
    await Promise.all([this.restartingDatabase, this.restartingBroker]);
    for (const service of this.shop.services) service.order({ disarm: true });
    const until = performance.now() + withinMs;
    while (!(await this.shop.allReady())) {
      if (performance.now() > until) throw new Error(`${await this.whoIsNotReady()} not ready ${withinMs} ms after the last injury`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  private async whoIsNotReady(): Promise<string> {
    const down: string[] = [];
    for (const service of this.shop.services) if (!(await service.isReady())) down.push(`${service.name}:\n${service.log}\n`);
    return down.join('');
  }

  async close(): Promise<void> {
    await this.shop?.stop();
    await this.provider.stop();
    await this.broker?.stop();
    await this.database.stop();
    await rm(this.dir, { recursive: true, force: true });
  }

  private async open(preload: readonly string[], paymentsPort: number): Promise<void> {
    const { topology, dir, database, broker, provider } = this;
    this.shop = await Shop.start({
      topology,
      dir,
      preload,
      paymentsPort,
      routes: await routesOfModules(),
      settings: { databaseUrl: database.url, natsUrl: broker?.url, namespace: 'lab', providerUrl: provider.url, webhookSecret: WEBHOOK_SECRET },
      frozenMs: FROZEN_MS,
      told: (_service, report) => this.reports.push(report),
    });
    this.staff = this.shop.client();
    this.staff.token = await logIn(this.staff, { email: 'staff@shop.test', password: 'staff-demo-password' });
    const tables = await Tables.open(database.ownUrl);
    await beginAudit(tables).finally(() => tables.close());
    this.buyers = await signUp(this.shop, BUYERS);
    this.products = await this.someProducts();
  }

  /** The same products in every world: they are listed by their SKU. */
  private async someProducts(): Promise<string[]> {
    const { body } = await this.staff.insist('GET', '/products?limit=50', undefined, {}, 30_000);
    const items = (body as { items: { id: string; sku: string; currency: string }[] }).items;
    return items
      .sort((a, b) => (a.sku < b.sku ? -1 : 1))
      .slice(0, PRODUCTS)
      .map((item) => item.id);
  }
}

async function routesOfModules(): Promise<Map<string, readonly string[]>> {
  const { stdout } = await run(process.execPath, [MAIN, '--list-modules']);
  const { modules } = JSON.parse(stdout) as { modules: { name: string; routes: string[] }[] };
  return new Map(modules.map(({ name, routes }) => [name, routes]));
}
