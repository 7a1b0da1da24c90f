import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { AgentReport } from './agent/orders.js';
import type { Injured } from './check/answers.js';
import { beginAudit } from './check/audit.js';
import { Progress } from './check/progress.js';
import { Tables } from './check/tables.js';
import { Broker, type StoreLoss } from './machine/broker.js';
import { Database, type DatabaseOptions } from './machine/database.js';
import { layLines, type ServerName } from './machine/lines.js';
import { Provider, WEBHOOK_SECRET } from './machine/provider.js';
import { Proxy } from './machine/proxy.js';
import type { Body } from './plan/injury-plan.js';
import { logIn, signUp } from './shop/buyers.js';
import type { ShopClient } from './shop/client.js';
import { Shop } from './shop/shop.js';
import { DUPLICATE_WINDOW_MS, type TopologyName, traitsOf } from './shop/topologies.js';

const MAIN = fileURLToPath(new URL('../../shop/src/main.js', import.meta.url));
const run = promisify(execFile);

/** Longer than the broker's duplicate window, and than it takes until a silent replica is skipped. */
const FROZEN_MS = 5_000 + 2 * DUPLICATE_WINDOW_MS;
/** Buyers of a world; they stay the same for all its rounds. */
export const BUYERS = 6;
/** The products for sale: few, so that orders compete for their stock. */
export const PRODUCTS = 4;

/** A table into which a module writes one row per order. */
const WRITTEN_ONCE: readonly (readonly [module: string, table: string])[] = [
  ['shipping', 'shipments'],
  ['payments', 'ledger_transaction'],
];

/** The parts of a world. */
export interface WorldOptions {
  readonly database: DatabaseOptions;
  readonly topology: TopologyName;
  /** Modules to load into every service first, for mutations. */
  readonly preload: readonly string[];
}

/** A shop with a separate database, broker and payment provider, on which rounds are played. */
export class World {
  shop!: Shop;
  buyers: readonly ShopClient[] = [];
  products: readonly string[] = [];
  staff!: ShopClient;
  /** What the agents in the services did since the last call. */
  readonly reports: AgentReport[] = [];
  /** Periods in which one replica was injured and the others were not. */
  readonly injured: Injured[] = [];
  /** What the injuries themselves found broken, a line each. */
  readonly broken: string[] = [];
  /** Other notes about a round, a line each. */
  readonly notes: string[] = [];
  progress!: Progress;
  /** By which factor this machine is currently slower than the one for which the promises are made; at least 1. */
  slowness = 1;
  private restartingDatabase: Promise<void> = Promise.resolve();
  private restartingBroker: Promise<void> = Promise.resolve();

  private constructor(
    readonly topology: TopologyName,
    private readonly dir: string,
    readonly database: Database,
    readonly broker: Broker | undefined,
    readonly provider: Provider,
    private readonly webhooks: Proxy,
  ) {}

  static async make({ topology, preload, database: suffers }: WorldOptions): Promise<World> {
    const dir = await mkdtemp(join(tmpdir(), 'fledge-faults-'));
    const database = await Database.start(dir, suffers);
    const broker = traitsOf(topology).hasBroker ? await Broker.start(join(dir, 'nats')) : undefined;
    const webhooks = await Proxy.to(0);
    const provider = await Provider.start(
      join(dir, 'book.jsonl'),
      `http://127.0.0.1:${webhooks.port}/payments/webhooks`,
    );
    const world = new World(topology, dir, database, broker, provider, webhooks);
    try {
      await world.open(preload);
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  /** Begins a round: clears the findings of the last one. */
  begin(): void {
    for (const list of [this.reports, this.injured, this.broken, this.notes, this.shop.tried]) list.length = 0;
    this.progress = new Progress(this.database.ownUrl, this.slowness);
  }

  /** What a plan can injure here. */
  get body(): Body {
    const paired = this.shop.paired();
    const modules = paired.flatMap((i) => this.shop.services[i]?.modules ?? []);
    return {
      services: this.shop.services.length,
      paired,
      hasBroker: this.broker !== undefined,
      poisonTables: WRITTEN_ONCE.flatMap(([module, table]) => (modules.includes(module) ? [table] : [])),
    };
  }

  /** The proxies of every replica to a server. */
  lines(name: ServerName): readonly Proxy[] {
    return this.shop.services.flatMap(({ lines }) => lines[name] ?? []);
  }

  /** One after the other: a server that is down cannot be stopped. */
  restartDatabase(awayMs: number): Promise<void> {
    return (this.restartingDatabase = this.restartingDatabase.then(() => this.database.restart(awayMs)));
  }

  /** Like the above; adds what was cut off to the notes. */
  restartBroker(awayMs: number, loss: StoreLoss): Promise<void> {
    return (this.restartingBroker = this.restartingBroker.then(async () => {
      const lost = await this.broker?.restart(awayMs, loss);
      if (typeof loss === 'object')
        this.notes.push(`${lost?.cut ?? 0} newest messages cut off, ${lost?.unread ?? 0} of them unread`);
    }));
  }

  /** Cancels all pending injuries, and waits until what was injured is up again. */
  async heal(withinMs: number): Promise<void> {
    await Promise.all([this.restartingDatabase, this.restartingBroker]);
    await this.database.setClock(0);
    await this.database.mend();
    for (const service of this.shop.all()) service.order({ disarm: true });
    const until = performance.now() + withinMs;
    while (!(await this.shop.allReady())) {
      if (performance.now() > until)
        throw new Error(`${await this.whoIsNotReady()} not ready ${withinMs} ms after the last injury`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  private async whoIsNotReady(): Promise<string> {
    const down: string[] = [];
    for (const service of this.shop.services)
      if (!(await service.isReady())) down.push(`${service.title}:\n${service.log}\n`);
    return down.join('');
  }

  async close(): Promise<void> {
    await this.shop?.stop();
    await this.provider.stop();
    await this.webhooks.close();
    await this.broker?.stop();
    await this.database.stop();
    await rm(this.dir, { recursive: true, force: true });
  }

  private async open(preload: readonly string[]): Promise<void> {
    const { topology, dir, database, broker, provider, webhooks } = this;
    this.shop = await Shop.start({
      topology,
      dir,
      preload,
      routes: await routesOfModules(),
      lay: () => layLines(database.port, broker?.port),
      settings: (lines) => ({
        databaseUrl: database.urlBy(lines.database.port),
        natsUrl: lines.broker === undefined ? undefined : `nats://127.0.0.1:${lines.broker.port}`,
        namespace: 'lab',
        providerUrl: provider.url,
        webhookSecret: WEBHOOK_SECRET,
      }),
      webhooksTo: (port) => webhooks.aim(port),
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

  /** The same products in every world, listed by SKU. */
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
