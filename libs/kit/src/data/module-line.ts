import type { ClientConfig } from 'pg';
import { CONNECT_TIMEOUT_MS } from './module-database.js';
import { statementName } from './statement-name.js';
import { SteadyClient } from './steady-client.js';

/**
 * How long a statement of a line may take, in milliseconds: each is short, and who waits for it is missed by others.
 */
const LINE_QUERY_TIMEOUT_MS = 4_000;

/**
 * A connection to a module's schema that is nobody else's: what is locked or listened to on it lasts as long as it
 * does.
 */
export interface ModuleLine {
  /** Whether it can be asked; one that was lost never can again. */
  readonly isOpen: boolean;
  /** Runs one statement, of a constant text. One that fails for the connection's sake ends the line. */
  rows<Row extends object>(text: string, parameters: readonly unknown[]): Promise<Row[]>;
  /** Never rejects. */
  close(): Promise<void>;
}

/** What a line tells of. */
export interface LineEvents {
  /**
   * Somebody has told the replicas of this module something: PostgreSQL's `notify` on the channel `fledge:<schema>`.
   */
  readonly notified: (text: string) => void;
  /** The line is lost; not told after `close`. */
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
    // it is lost already: what its end says besides is nothing new
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
      // PostgreSQL's own refusals leave the connection as it was; without a code it is the connection that failed
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
    // the first failure is the one to tell
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
