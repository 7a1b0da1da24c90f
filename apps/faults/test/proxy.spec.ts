import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Proxy, type Way } from '../src/machine/proxy.js';

/** A server that answers each piece with itself and notes what it heard. */
async function echo(): Promise<{ server: Server; port: number; heard: string[] }> {
  const heard: string[] = [];
  const server = createServer((socket) =>
    socket.on('data', (piece) => {
      heard.push(piece.toString());
      socket.write(piece);
    }),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as { port: number }).port, heard };
}

describe('a line that can be cut one way', () => {
  let opened: Awaited<ReturnType<typeof echo>>;
  let line: Proxy;
  let socket: Socket;

  beforeEach(async () => {
    opened = await echo();
    line = await Proxy.to(opened.port);
    socket = connect(line.port, '127.0.0.1');
    await once(socket, 'connect');
  });

  afterEach(async () => {
    socket.destroy();
    await line.close();
    opened.server.close();
  });

  it.each<[Way, string[]]>([
    ['to-server', []],
    ['to-service', ['a word']],
  ])('carries nothing %s until it is healed, and then what was held back', async (way, heardMeanwhile) => {
    let heal = (): void => undefined;
    const muted = line.mute(way, new Promise<void>((resolve) => (heal = resolve)));
    const answer = once(socket, 'data');
    socket.write('a word');
    // what would pass has passed by then: a word that came later, past the line, has gone both ways
    const past = connect(opened.port, '127.0.0.1');
    past.write('a later word');
    await once(past, 'data');
    past.destroy();
    while (way === 'to-service' && opened.heard.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(opened.heard.filter((word) => word === 'a word')).toEqual(heardMeanwhile);
    expect(socket.bytesRead).toBe(0);
    heal();
    await muted;
    expect(String((await answer)[0])).toBe('a word');
  });
});
