import { Logger } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import { StartupError } from '@fledge/kit/contract';
import { type ConnectionEvents, type ConnectionSettings, connectTo } from './connection.js';
import { PublicWire } from './public-wire.js';
import { checkWire, type Wire } from './wire.js';

const logger = new Logger('nats');

/** A wire, and the connection that it uses. */
export interface OpenWire {
  readonly wire: Wire;
  readonly connection: NatsConnection;
}

/** Creates a wire for a connection; `isReached` says whether a server can be reached now. */
type WireOf = (connection: NatsConnection, isReached: () => boolean) => Wire | Promise<Wire>;

const PUBLIC: WireOf = (connection, isReached) => new PublicWire(connection, isReached);
// imported here, since an unknown release of the client may not export what it imports
const FAST: WireOf = async (connection) => new (await import('./fast-wire.js')).FastWire(connection);

/**
 * Connects, and sends a test message to itself. If the client's internals have changed, it connects again and uses the
 * client's public API, with a warning. A silent server or a lost connection proves nothing about the client: the fast
 * wire is tried once more.
 */
export async function openWire(
  settings: ConnectionSettings,
  events: ConnectionEvents,
  usesPublicClient: boolean,
  fast: WireOf = FAST,
): Promise<OpenWire> {
  if (usesPublicClient) return open(settings, events, PUBLIC);
  try {
    return await open(settings, events, fast).catch((error: unknown) => {
      if (isRefusal(error) || isChange(error)) throw error;
      return open(settings, events, fast);
    });
  } catch (error) {
    if (isRefusal(error)) throw error;
    const opened = await open(settings, events, PUBLIC);
    logger.warn(
      `@fledge/nats cannot use the fast way of the installed NATS client (${error instanceof Error ? error.message : String(error)}). ` +
        'Calls use its public API and are slower. Install a release of @nats-io/nats-core that @fledge/nats requires.',
    );
    return opened;
  }
}

/** Whether the server or its settings are the cause, not the client. */
function isRefusal(error: unknown): boolean {
  return error instanceof StartupError && !isChange(error) && error.code !== 'fledge.startup.nats-silent';
}

/** Whether the client's internals have changed. */
function isChange(error: unknown): boolean {
  if (error instanceof StartupError) return error.code === 'fledge.startup.nats-client';
  return error instanceof TypeError || error instanceof SyntaxError;
}

async function open(settings: ConnectionSettings, events: ConnectionEvents, wireOf: WireOf): Promise<OpenWire> {
  let isReached = true;
  const reach = (reached: boolean): void => void (isReached = reached);
  const connection = await connectTo(settings, {
    ...events,
    reconnected: () => (reach(true), events.reconnected()),
    disconnected: () => (reach(false), events.disconnected()),
  });
  try {
    const wire = await wireOf(connection, () => isReached);
    await checkWire(wire, settings.inbox, settings.connectTimeoutMs);
    return { wire, connection };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
