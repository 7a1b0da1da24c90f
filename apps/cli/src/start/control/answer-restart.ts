import { nearest, type Topology } from '@fledge/kit/operations';
import type { Restarts } from '../watch/code-watch.js';
import type { ControlAnswer, ControlRequest } from './control-socket.js';

/** Restarts the service that another `fledge` names. */
export async function answerRestart(
  { restart: name }: ControlRequest,
  topology: Topology,
  run: Restarts,
): Promise<ControlAnswer> {
  const names = topology.services.map((service) => service.name);
  if (!names.includes(name)) {
    const guess = nearest(name, names);
    return refused(
      `${topology.file} has no service '${name}'`,
      guess ? `Did you mean '${guess}'?` : `It has: ${names.join(', ')}.`,
    );
  }
  const since = performance.now();
  if (await run.restart(name)) return { tookMs: Math.round(performance.now() - since) };
  return refused(`${name} ended before it was ready again`, 'Its own lines, where it was started, say why.');
}

function refused(message: string, hint: string): ControlAnswer {
  return { error: { message, hint } };
}
