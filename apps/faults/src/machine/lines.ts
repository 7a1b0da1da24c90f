import { Proxy } from './proxy.js';

/** A server that services reach through proxies. */
export type ServerName = 'database' | 'broker';

/** The proxies of one replica: one for each server, so that a server can be unreachable for this replica alone. */
export interface Lines {
  readonly database: Proxy;
  /** `undefined` without a broker. */
  readonly broker: Proxy | undefined;
}

/** Creates proxies to servers, by their ports. */
export async function layLines(databasePort: number, brokerPort: number | undefined): Promise<Lines> {
  return {
    database: await Proxy.to(databasePort),
    broker: brokerPort === undefined ? undefined : await Proxy.to(brokerPort),
  };
}

/** Removes proxies. */
export async function closeLines({ database, broker }: Lines): Promise<void> {
  await Promise.all([database.close(), broker?.close()]);
}
