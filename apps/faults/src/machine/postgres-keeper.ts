/**
 * The main of a process that runs the lab's PostgreSQL, so that changes of its environment, such as a clock, affect
 * only the server. Arguments: folder, port, that environment as JSON, and the disk to unmount when its parent is gone,
 * if there is one. Reports the URL, or the reason why there is none, over the channel to its parent; ends the server at
 * the first message, or with its parent.
 */
import { execFileSync } from 'node:child_process';
import { startEmbeddedPostgres } from '@fledge/kit/operations';

const [dir = '', port = '', environment = '{}', mount = ''] = process.argv.slice(2);
Object.assign(process.env, JSON.parse(environment));

try {
  const server = await startEmbeddedPostgres({ dir, port: Number(port) });
  const leave = (unmount: boolean): void =>
    void server.stop().finally(() => {
      if (unmount && mount !== '') execFileSync('umount', ['-l', mount]);
      process.exit();
    });
  process.once('message', () => leave(false)).once('disconnect', () => leave(true));
  process.send?.({ url: server.url });
} catch (error) {
  process.send?.({ failure: error instanceof Error ? error.message : String(error) }, () => process.exit(1));
}
