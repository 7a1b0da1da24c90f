import { Proxy } from './proxy.js';

/** A server that services have lines to. */
export type ServerName = 'database' | 'broker';

/** The lines of one replica: one to each server, so that a server can be away for this replica alone. */
export interface Lines {
  readonly database: Proxy;
  /** `undefined` where there is no broker. */
  readonly broker: Proxy | undefined;
}

/** Lays lines to servers by their ports. */
export async function layLines(databasePort: number, brokerPort: number | undefined): Promise<Lines> {
  return {
    database: await Proxy.to(databasePort),
    broker: brokerPort === undefined ? undefined : await Proxy.to(brokerPort),
  };
}

/** Takes lines away. */
export async function closeLines({ database, broker }: Lines): Promise<void> {
  await Promise.all([database.close(), broker?.close()]);
}
