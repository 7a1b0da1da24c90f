import { Agent, get } from 'node:http';

/** The results of a closed loop. */
export interface LoopResult {
  readonly answered: number;
  readonly seconds: number;
  /** The duration of each request in milliseconds, sorted. */
  readonly times: readonly number[];
}

/**
 * Requests paths of a server for a time, one after the other on each of several open connections. Rejects if an answer
 * is not 200.
 */
export async function closedLoop(
  port: number,
  paths: readonly string[],
  { connections, ms }: { readonly connections: number; readonly ms: number },
): Promise<LoopResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times: number[] = [];
  const from = performance.now();
  const one = async (connection: number): Promise<void> => {
    for (let n = connection; performance.now() - from < ms; n += connections) {
      const at = performance.now();
      await bodyOf(agent, port, paths[n % paths.length] as string);
      times.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, connection) => one(connection)));
  agent.destroy();
  return { answered: times.length, seconds: (performance.now() - from) / 1_000, times: times.sort((a, b) => a - b) };
}

/** The body of an answer, which must be 200. */
export function bodyOf(agent: Agent | undefined, port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ agent, host: '127.0.0.1', port, path }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('error', reject);
      response.on('end', () =>
        response.statusCode === 200
          ? resolve(text)
          : reject(new Error(`GET ${path}: ${response.statusCode} ${text.slice(0, 300)}`)),
      );
    });
    request.on('error', reject);
  });
}
