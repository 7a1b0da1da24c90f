import { Logger } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import { StartupError } from '@fledge/kit/contract';
import { type ConnectionEvents, type ConnectionSettings, connectTo } from './connection.js';
import { FastWire } from './fast-wire.js';
import { PublicWire } from './public-wire.js';
import { checkWire, type Wire } from './wire.js';

const logger = new Logger('nats');

/** A wire, and the connection that it uses. */
export interface OpenWire {
  readonly wire: Wire;
  readonly connection: NatsConnection;
}

/** Makes a wire of a connection; `isReached` says whether a server is reached now. */
type WireOf = (connection: NatsConnection, isReached: () => boolean) => Wire;

const PUBLIC: WireOf = (connection, isReached) => new PublicWire(connection, isReached);

/**
 * Connects, and sends one message round. Where that fails for the client's inner parts, it connects again and uses the
 * client's public face, with a warning.
 */
export async function openWire(
  settings: ConnectionSettings,
  events: ConnectionEvents,
  usesPublicClient: boolean,
  fast: WireOf = (connection) => new FastWire(connection),
): Promise<OpenWire> {
  if (usesPublicClient) return open(settings, events, PUBLIC);
  try {
    return await open(settings, events, fast);
  } catch (error) {
    // what a changed client does with its inner parts may be anything, silence too
    if (error instanceof StartupError && !CLIENT_FAILURES.includes(error.code)) throw error;
    const opened = await open(settings, events, PUBLIC);
    logger.warn(
      `the inner parts of the installed NATS client are not known (${error instanceof Error ? error.message : String(error)}): calls take longer, over its public face. Install a release of @nats-io/nats-core that @fledge/nats asks for`,
    );
    return opened;
  }
}

const CLIENT_FAILURES = ['fledge.startup.nats-client', 'fledge.startup.nats-silent'];

async function open(settings: ConnectionSettings, events: ConnectionEvents, wireOf: WireOf): Promise<OpenWire> {
  let isReached = true;
  const reach = (reached: boolean): void => void (isReached = reached);
  const connection = await connectTo(settings, {
    ...events,
    reconnected: () => (reach(true), events.reconnected()),
    disconnected: () => (reach(false), events.disconnected()),
  });
  try {
    const wire = wireOf(connection, () => isReached);
    await checkWire(wire, settings.connectTimeoutMs);
    return { wire, connection };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
