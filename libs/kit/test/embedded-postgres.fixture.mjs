/**
 * A host in small, as a process of its own: `node embedded-postgres.fixture.mjs <dir> <persistent|throw-away>`. Prints
 * the server's URL; on SIGINT it queries once more (its drain), prints `drained`, stops the server and ends.
 */
import { register } from 'node:module';
import pg from 'pg';

register('./typescript.hooks.mjs', import.meta.url);
const { startEmbeddedPostgres } = await import('../src/data/embedded-postgres.ts');

const [dir, kind] = process.argv.slice(2);
const server = await startEmbeddedPostgres({ dir, persistent: kind === 'persistent' });

process.once('SIGINT', async () => {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query('select pg_sleep(0.3)');
  await client.end();
  process.stdout.write('drained\n');
  await server.stop();
});
process.stdout.write(`${server.url}\n`);
