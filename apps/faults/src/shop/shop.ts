import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@fledge/kit/operations';
import type { AgentReport } from '../agent/orders.js';
import type { Tried } from '../check/answers.js';
import { closeLines, type Lines } from '../machine/lines.js';
import { ShopClient } from './client.js';
import { FrontDoor } from './front-door.js';
import { Service } from './service.js';
import { type ServicePlan, servicesOf, type TopologyName, type TopologySettings, topologyText } from './topologies.js';

/** How to run the shop. */
export interface ShopOptions {
  readonly topology: TopologyName;
  readonly dir: string;
  /** The topology file for a replica with these proxies. */
  readonly settings: (lines: Lines) => TopologySettings;
  readonly lay: () => Promise<Lines>;
  /** The path prefixes of each module. */
  readonly routes: ReadonlyMap<string, readonly string[]>;
  /** Receives the port of a ready replica that hosts payments, to which the provider sends its webhooks. */
  readonly webhooksTo: (port: number) => void;
  readonly preload: readonly string[];
  readonly frozenMs: number;
  readonly told: (service: string, report: AgentReport) => void;
}

/**
 * The shop in one topology: all its replicas, those of another topology started beside it, and clients that find them.
 */
export class Shop {
  /** The replicas of its topology. */
  readonly services: Service[] = [];
  private readonly beside: Service[] = [];
  /** The replicas that get requests. */
  private readonly inRotation = new Set<Service>();
  private readonly door = new FrontDoor(
    () => this.all(),
    () => this.aimWebhooks(),
  );
  /** Each attempt of a buyer since the last call. */
  readonly tried: Tried[] = [];

  private constructor(private readonly options: ShopOptions) {}

  static async start(options: ShopOptions): Promise<Shop> {
    const shop = new Shop(options);
    try {
      const plans = servicesOf(options.topology, [...options.routes.keys()]);
      shop.services.push(...(await shop.make(plans, options.settings)));
      await shop.bring(shop.services);
    } catch (error) {
      await shop.stop();
      throw error;
    }
    return shop;
  }

  /** Every replica, including those beside. */
  all(): readonly Service[] {
    return [...this.services, ...this.beside];
  }

  client(): ShopClient {
    return new ShopClient((path) =>
      this.door.open(this.owners(path)).map((service) => ({
        url: service.url,
        silence: this.door.silence(service),
        tried: (startedAt) =>
          void this.tried.push({ service: service.title, startedAt, tookMs: performance.now() - startedAt }),
      })),
    );
  }

  /** Those of its topology that have another replica. */
  paired(): number[] {
    return this.services.flatMap((service, i) =>
      this.services.filter((other) => other.name === service.name).length > 1 ? [i] : [],
    );
  }

  /** Starts all modules in one more process with the transport `local`; it participates at once. */
  async startWhole(): Promise<Service> {
    const [whole] = this.beside;
    if (whole !== undefined) {
      await this.bring([whole]);
      return whole;
    }
    const plan = { name: 'whole', modules: [...this.options.routes.keys()], replicas: 1 };
    const [made] = await this.make([plan], (lines) => ({ ...this.options.settings(lines), natsUrl: undefined }));
    this.beside.push(made as Service);
    await this.bring([made as Service]);
    return made as Service;
  }

  /** Starts replicas, and sends requests to them once all are ready. */
  async bring(services: readonly Service[]): Promise<void> {
    await Promise.all(services.map((service) => service.start()));
    for (const service of services) this.inRotation.add(service);
    this.aimWebhooks();
  }

  /**
   * Sends no more requests to replicas and ends them. Resolves to those that did not end well, with their exit status.
   */
  async takeAway(services: readonly Service[]): Promise<string[]> {
    for (const service of services) this.inRotation.delete(service);
    this.aimWebhooks();
    const codes = await Promise.all(services.map((service) => service.stop()));
    return services.flatMap((service, i) =>
      codes[i] === 0 ? [] : [`${service.title} was asked to end and did with code ${codes[i] ?? 'none'}`],
    );
  }

  async allReady(): Promise<boolean> {
    return (await Promise.all(this.services.map((service) => service.isReady()))).every(Boolean);
  }

  async stop(): Promise<void> {
    this.door.close();
    await Promise.all(this.all().map((service) => service.stop()));
    await Promise.all(this.all().map(({ lines }) => closeLines(lines)));
  }

  private async make(plans: readonly ServicePlan[], settings: ShopOptions['settings']): Promise<Service[]> {
    const services: Service[] = [];
    for (const plan of plans) {
      for (let replica = 0; replica < plan.replicas; replica++) {
        const lines = await this.options.lay();
        const topologyFile = join(this.options.dir, `${plan.name}-${replica}.yaml`);
        await writeFile(topologyFile, topologyText(plans, settings(lines)));
        services.push(
          new Service({
            ...this.options,
            service: plan.name,
            replica,
            modules: plan.modules,
            topologyFile,
            lines,
            port: await freePort(),
          }),
        );
      }
    }
    return services;
  }

  private aimWebhooks(): void {
    const [first] = this.door.open([...this.inRotation].filter(({ modules }) => modules.includes('payments')));
    if (first !== undefined) this.options.webhooksTo(first.port);
  }

  private owners(path: string): readonly Service[] {
    for (const [module, routes] of this.options.routes) {
      if (routes.some((route) => path === route || path.startsWith(`${route}/`) || path.startsWith(`${route}?`)))
        return [...this.inRotation].filter(({ modules }) => modules.includes(module));
    }
    return [];
  }
}
