import { CONNECT_TIMEOUT_MS } from './module-database.js';
import { SteadyClient } from './steady-client.js';

/** Whether the user of a URL is a superuser; false if nobody answers, which the start itself reports. */
export async function isSuperuser(url: string): Promise<boolean> {
  const client = new SteadyClient({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS,
    application_name: 'fledge:start',
  });
  try {
    await client.connect();
    const { rows } = await client.query<{ super: boolean }>(
      'select rolsuper as super from pg_roles where rolname = session_user',
    );
    return rows[0]?.super === true;
  } catch {
    // the modules connect next, and say why they cannot
    return false;
  } finally {
    // what was lost needs no end
    await client.end().catch(() => undefined);
  }
}
