import type { ClientConfig } from 'pg';
import { CONNECT_TIMEOUT_MS } from './module-database.js';
import { statementName } from './statement-name.js';
import { SteadyClient } from './steady-client.js';

/**
 * How long a statement on a line may take, in milliseconds: all are short, and other work waits for whoever waits for
 * one.
 */
const LINE_QUERY_TIMEOUT_MS = 4_000;

/** A connection to a module's schema for exclusive use: its locks and listeners last as long as it does. */
export interface ModuleLine {
  /** Whether it can be used; a lost one never becomes usable again. */
  readonly isOpen: boolean;
  /** Runs one statement with a constant text. If the connection itself fails, the line ends. */
  rows<Row extends object>(text: string, parameters: readonly unknown[]): Promise<Row[]>;
  /** Never rejects. */
  close(): Promise<void>;
}

/** The events of a line. */
export interface LineEvents {
  /** A replica of this module has sent a notification: PostgreSQL's `notify` on the channel `fledge:<schema>`. */
  readonly notified: (text: string) => void;
  /** The line is lost; not called after `close`. */
  readonly lost: () => void;
}

/** Opens a line with the options of a pool's connections. */
export async function openModuleLine(options: ClientConfig, { notified, lost }: LineEvents): Promise<ModuleLine> {
  const client = new SteadyClient({
    ...options,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: LINE_QUERY_TIMEOUT_MS,
  });
  let isOpen = true;
  const fail = (): void => {
    if (!isOpen) return;
    isOpen = false;
    // already lost: an error of its end adds nothing
    void client.end().catch(() => undefined);
    lost();
  };
  client.on('error', fail);
  client.on('end', fail);
  client.on('notification', ({ payload }) => notified(payload ?? ''));
  const rows = async <Row extends object>(text: string, parameters: readonly unknown[]): Promise<Row[]> => {
    try {
      return (await client.query<Row>({ name: statementName(text), text, values: [...parameters] })).rows;
    } catch (error) {
      // PostgreSQL's own errors leave the connection usable; an error without a code means that the connection failed
      if (
        typeof (error as { code?: unknown }).code !== 'string' ||
        (error as { severity?: unknown }).severity === 'FATAL'
      )
        fail();
      throw error;
    }
  };
  try {
    await client.connect();
    const [place] = (await client.query<{ schema: string }>('select current_schema() as schema')).rows;
    await client.query(`listen ${client.escapeIdentifier(`fledge:${place?.schema}`)}`);
  } catch (error) {
    isOpen = false;
    // report the first failure
    void client.end().catch(() => undefined);
    throw error;
  }
  return {
    get isOpen() {
      return isOpen;
    },
    rows,
    close: async () => {
      isOpen = false;
      await client.end().catch(() => undefined);
    },
  };
}
