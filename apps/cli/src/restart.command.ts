import { usageError } from './command.js';
import { findSources } from './project.js';
import { request } from './start/control/control-socket.js';

/** `fledge restart <service>`: asks the running `fledge start` of this project to restart a service. */
export async function restart(args: readonly string[]): Promise<number> {
  const [service, ...rest] = args;
  if (service === undefined || service.startsWith('-') || rest.length > 0)
    throw usageError('fledge restart <service>', 'it takes one service');
  process.chdir(findSources().root);
  const { tookMs } = await request({ restart: service });
  process.stdout.write(`${service} is ready again after ${tookMs} ms\n`);
  return 0;
}
