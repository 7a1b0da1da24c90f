import { Logger } from '@nestjs/common';
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
  PermissionViolationError,
  type Status,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartupError } from '@fledge/kit/contract';
import { type TlsFiles, tlsFailure } from '@fledge/kit/transport';
import { clientTls, NATS_TLS } from './client-tls.js';
import { tlsFaultOf } from './tls-probe.js';

/** How a client proves who it is. A user and password may also be in the URL. */
export type NatsCredentials =
  | { readonly user: string; readonly password: string }
  | { readonly token: string }
  /** The content of a `.creds` file. */
  | { readonly creds: string }
  /** The seed of an nkey: `SU…`. */
  | { readonly seed: string };

/** Where and as whom to connect. */
export interface ConnectionSettings {
  readonly urls: readonly string[];
  readonly credentials: NatsCredentials | undefined;
  /** Default: TLS only if a URL begins with `tls://`, with the authorities of the system. */
  readonly tls?: TlsFiles | undefined;
  /** Shown by the server's monitoring. */
  readonly name: string;
  readonly connectTimeoutMs: number;
  /** Where answers of the broker arrive; nobody can guess it. */
  readonly inbox: string;
}

/** Notified of what happens to a connection. */
export interface ConnectionEvents {
  reconnected(): void;
  disconnected(): void;
  /** The server's permissions deny a publication to `subject`. */
  publishDenied(subject: string): void;
}

/**
 * The oldest supported server, and the smallest payload: a message of the maximum weight must fit (see
 * boundary/weight.ts).
 */
const SERVER_MIN = [2, 10] as const;
export const PAYLOAD_MIN_BYTES = 1024 * 1024;

const RECONNECT_MIN_MS = 100;
const RECONNECT_MAX_MS = 500;
const PING_INTERVAL_MS = 5_000;
const FIRST_CONNECT_RETRY_MS = 200;

const logger = new Logger('nats');

/**
 * Connects, retrying for `connectTimeoutMs` while nobody listens, and checks the server. From then on the client
 * reconnects forever, every 100 to 500 ms.
 */
export async function connectTo(settings: ConnectionSettings, events: ConnectionEvents): Promise<NatsConnection> {
  const connection = await firstConnect(settings);
  try {
    checkServer(connection, settings);
  } catch (error) {
    await connection.close();
    throw error;
  }
  void watch(connection, events);
  return connection;
}

async function firstConnect({
  urls,
  credentials,
  tls: files,
  name,
  connectTimeoutMs,
  inbox,
}: ConnectionSettings): Promise<NatsConnection> {
  const until = Date.now() + connectTimeoutMs;
  const { servers, authenticator } = addresses(urls, credentials);
  const tls = clientTls(servers, files);
  for (;;) {
    // half of what is left: a silent server uses up the probe's time, and the connection needs some, too
    const fault = tls && (await tlsFaultOf(servers, files, Math.max(1, (until - Date.now()) / 2)));
    if (fault) throw fault;
    try {
      return await connect({
        servers,
        authenticator,
        ...(tls && { tls }),
        name,
        inboxPrefix: inbox,
        timeout: Math.max(1, until - Date.now()),
        maxReconnectAttempts: -1,
        reconnectDelayHandler: () => RECONNECT_MIN_MS + Math.random() * (RECONNECT_MAX_MS - RECONNECT_MIN_MS),
        // A server that was down for long may refuse us while its accounts are restored: that is no reason to give up.
        ignoreAuthErrorAbort: true,
        pingInterval: PING_INTERVAL_MS,
        maxPingOut: 2,
        // capturing a stack for every request, in case it is needed, costs a tenth of the total cost of a message
        noAsyncTraces: true,
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const ofTls = tlsFailure(error, `NATS at ${plain(servers)}`, NATS_TLS);
      if (ofTls) throw ofTls;
      if (/authori[sz]ation|authentication|credentials/i.test(reason)) {
        throw new StartupError(
          'nats-credentials',
          `NATS at ${plain(servers)} refuses the credentials: ${reason}`,
          'Correct the user and password in its URL (`nats://user:password@host:4222`, as of NATS_URL), the seed (`nats.seed` or `nats.seedFile` of the topology), or the `credentials` of the NatsTransport.',
        );
      }
      if (Date.now() + FIRST_CONNECT_RETRY_MS >= until) {
        throw new StartupError(
          'nats-unreachable',
          `NATS at ${plain(servers)} cannot be reached within ${connectTimeoutMs} ms: ${reason}`,
          'Start nats-server there, or set NATS_URL to where it listens.',
        );
      }
      await sleep(FIRST_CONNECT_RETRY_MS);
    }
  }
}

/** The URLs in the client's form, which has no user in them. */
function addresses(
  urls: readonly string[],
  credentials: NatsCredentials | undefined,
): { servers: string[]; authenticator: Authenticator | undefined } {
  let found = credentials;
  const servers = urls.map((url) => {
    const parsed = parseUrl(url);
    if (!parsed || !['nats:', 'tls:'].includes(parsed.protocol) || parsed.hostname === '') {
      throw new StartupError(
        'nats-url',
        `'${url}' is not a URL of a NATS server`,
        "Write it as in 'nats://127.0.0.1:4222'.",
      );
    }
    if (parsed.username !== '')
      found ??= { user: decodeURIComponent(parsed.username), password: decodeURIComponent(parsed.password) };
    return `${parsed.protocol}//${parsed.host}`;
  });
  if (servers.length === 0)
    throw new StartupError('nats-url', 'no URL of a NATS server is given', "Write it as in 'nats://127.0.0.1:4222'.");
  return { servers, authenticator: found && authenticatorOf(found) };
}

function parseUrl(url: string): URL | null {
  return URL.canParse(url) ? new URL(url) : null;
}

function authenticatorOf(credentials: NatsCredentials): Authenticator {
  if ('token' in credentials) return tokenAuthenticator(credentials.token);
  if ('creds' in credentials) return credsAuthenticator(new TextEncoder().encode(credentials.creds));
  if ('seed' in credentials) return nkeyAuthenticator(new TextEncoder().encode(credentials.seed.trim()));
  return usernamePasswordAuthenticator(credentials.user, credentials.password);
}

function checkServer(connection: NatsConnection, { urls }: ConnectionSettings): void {
  const info = connection.info;
  const [major = 0, minor = 0] = (info?.version ?? '').split('.').map(Number);
  if (!info || major < SERVER_MIN[0] || (major === SERVER_MIN[0] && minor < SERVER_MIN[1])) {
    throw new StartupError(
      'nats-version',
      `NATS at ${plain(urls)} is version ${info?.version ?? 'unknown'}, but ${SERVER_MIN.join('.')} or newer is required`,
      'Upgrade nats-server.',
    );
  }
  if (!info.headers)
    throw new StartupError(
      'nats-headers',
      `NATS at ${plain(urls)} has headers switched off`,
      "Remove 'no_header_support' from its configuration.",
    );
  if (info.max_payload < PAYLOAD_MIN_BYTES) {
    throw new StartupError(
      'nats-payload',
      `NATS at ${plain(urls)} accepts messages of ${info.max_payload} bytes, but ${PAYLOAD_MIN_BYTES} are required`,
      "Set 'max_payload: 1MB' or more in its configuration.",
    );
  }
}

async function watch(connection: NatsConnection, events: ConnectionEvents): Promise<void> {
  for await (const status of connection.status()) note(status, events);
  const error = await connection.closed();
  if (error) logger.error(`the connection to NATS is closed for good: ${error.message}`);
}

function note(status: Status, events: ConnectionEvents): void {
  switch (status.type) {
    case 'disconnect':
      logger.warn(`disconnected from NATS at ${status.server}; reconnecting`);
      return events.disconnected();
    case 'reconnect':
      logger.log(`connected to NATS at ${status.server} again`);
      return events.reconnected();
    case 'error':
      logger.error(`NATS: ${status.error.message}`);
      if (status.error instanceof PermissionViolationError && status.error.operation === 'publish')
        events.publishDenied(status.error.subject);
      return;
    case 'staleConnection':
      return logger.warn('NATS does not answer pings; reconnecting');
    case 'ldm':
      return logger.warn(`NATS at ${status.server} is about to stop (lame duck mode)`);
    default:
      return;
  }
}

/** The URLs without passwords, for messages. */
function plain(urls: readonly string[]): string {
  return urls.map((url) => url.replace(/\/\/[^@/]*@/, '//')).join(', ');
}
