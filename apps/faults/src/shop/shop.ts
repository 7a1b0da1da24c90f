import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentReport } from '../agent/orders.js';
import { freePort } from '../machine/free-port.js';
import { ShopClient } from './client.js';
import { Service } from './service.js';
import { servicesOf, type TopologyName, type TopologySettings, topologyText } from './topologies.js';

/** How the shop is run. */
export interface ShopOptions {
  readonly topology: TopologyName;
  readonly dir: string;
  readonly settings: TopologySettings;
  /** The path prefixes of each module. */
  readonly routes: ReadonlyMap<string, readonly string[]>;
  /** The port of the first replica that hosts payments, which the provider sends its webhooks to. */
  readonly paymentsPort: number;
  readonly preload: readonly string[];
  readonly frozenMs: number;
  readonly told: (service: string, report: AgentReport) => void;
}

/** The shop in one topology: all its replicas, and clients that find them. */
export class Shop {
  private constructor(
    readonly services: readonly Service[],
    private readonly byRoute: ReadonlyMap<string, readonly Service[]>,
  ) {}

  static async start(options: ShopOptions): Promise<Shop> {
    const topologyFile = join(options.dir, `${options.topology}.yaml`);
    const plans = servicesOf(options.topology, [...options.routes.keys()]);
    await writeFile(topologyFile, topologyText(plans, options.settings));
    const services: Service[] = [];
    const byRoute = new Map<string, Service[]>();
    for (const plan of plans) {
      for (let replica = 0; replica < plan.replicas; replica++) {
        const service = new Service({ ...options, service: plan.name, topologyFile, port: replica === 0 && plan.modules.includes('payments') ? options.paymentsPort : await freePort() });
        services.push(service);
        for (const route of plan.modules.flatMap((module) => options.routes.get(module) ?? [])) byRoute.set(route, [...(byRoute.get(route) ?? []), service]);
      }
    }
    const shop = new Shop(services, byRoute);
    try {
      await Promise.all(services.map((service) => service.start()));
    } catch (error) {
      await shop.stop();
      throw error;
    }
    return shop;
  }

  client(): ShopClient {
    return new ShopClient((path) => this.owners(path).map((service) => service.url));
  }

  async allReady(): Promise<boolean> {
    return (await Promise.all(this.services.map((service) => service.isReady()))).every(Boolean);
  }

  async stop(): Promise<void> {
    await Promise.all(this.services.map((service) => service.stop()));
  }

  private owners(path: string): readonly Service[] {
    const prefix = [...this.byRoute.keys()].find((route) => path === route || path.startsWith(`${route}/`) || path.startsWith(`${route}?`));
    return prefix === undefined ? [] : (this.byRoute.get(prefix) ?? []);
  }
}
