import { Host, LocalTransport, type ModuleSettings } from '@fledge/kit';
import { NatsTransport, type NatsTransportOptions } from '@fledge/nats';
import type { TlsFiles } from '@fledge/kit/transport';
import { freshDatabase, testNatsUrl } from '@fledge/kit/testing';
import { type FrontDoor, frontDoor } from '@fledge/cli/front-door';
import { randomBytes } from 'node:crypto';
import { shop } from '../src/modules.js';

/** The shop, started in one grouping of its modules, behind one URL. */
export interface StartedShop {
  readonly url: string;
  /** The database of its tables: each module has a schema with its name. */
  readonly databaseUrl: string;
  /** The first part of its subjects, if it has a broker. */
  readonly namespace: string;
  stop(): Promise<void>;
}

/** Servers that take TLS connections, and what to reach them with. */
export interface SecureServers {
  /** The URL of an empty database, with its parameters for TLS. */
  readonly databaseUrl: string;
  readonly nats: { readonly url: string; readonly tls: TlsFiles };
  /** What the services and the front door show. */
  readonly http: { readonly cert: string; readonly key: string };
}

/** The names of all modules, as the application lists them. */
export const MODULES: readonly string[] = shop.modules.map(({ contract }) => contract.name);

const READY_WITHIN_MS = 20_000;

/** The path prefixes of modules. */
export function routesOf(modules: readonly string[]): string[] {
  return shop.modules
    .filter(({ contract }) => modules.includes(contract.name))
    .flatMap(({ contract }) => contract.routes);
}

/** How a shop is started. */
export interface StartOptions {
  /** Settings of modules, as in a topology file. Default: only the demo users, and parcels that leave at once. */
  readonly settings?: Readonly<Record<string, ModuleSettings>>;
  /** Connections of a module to its database. Default 8. */
  readonly poolMax?: number;
  /** The broker. Default: the one that all specs share. */
  readonly natsUrl?: string;
  /** TLS for everything. Default: for nothing. */
  readonly secure?: SecureServers;
  /** What the transport of each group of modules has besides, such as its key. */
  readonly nats?: (modules: readonly string[]) => Partial<NatsTransportOptions>;
}

/** Starts each group of modules as a separate host in this process, on a new database, behind a front door. */
export async function startGroups(
  groups: readonly (readonly string[])[],
  { settings = {}, poolMax = 8, natsUrl = testNatsUrl(), secure, nats = () => ({}) }: StartOptions = {},
): Promise<StartedShop> {
  const database = secure ? { url: secure.databaseUrl, drop: () => Promise.resolve() } : await freshDatabase();
  const scheme = secure ? 'https' : 'http';
  const namespace = `shop${randomBytes(5).toString('hex')}`;
  const hosts: Host[] = [];
  let door: FrontDoor | undefined;
  const stop = async (): Promise<void> => {
    await door?.close();
    for (const host of hosts) await host.close();
    await database.drop();
  };
  try {
    door = await frontDoor({ port: 0, tls: secure?.http });
    for (const modules of groups) {
      const transport =
        groups.length === 1
          ? new LocalTransport()
          : new NatsTransport({ url: natsUrl, namespace, ...secure?.nats, ...nats(modules) });
      const host = new Host({
        application: shop,
        modules,
        transport,
        database: { url: database.url, poolMax },
        http: { port: 0, tls: secure?.http },
        settings: { identity: { demo: true }, shipping: { dispatchAfterMs: 0 }, ...settings },
      });
      hosts.push(host);
      await host.start();
      door.add(`${scheme}://127.0.0.1:${host.port}`, routesOf(modules));
    }
    await door.whenReady(READY_WITHIN_MS);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `${scheme}://127.0.0.1:${door.port}`, databaseUrl: database.url, namespace, stop };
}
