import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { HttpListener } from './listener.js';

describe('HttpListener', () => {
  let listener: HttpListener;
  let port: number;
  beforeEach(async () => {
    listener = new HttpListener();
    listener.own('/pots', (request, response) => response.end(request.url));
    port = await listener.listen(0, '127.0.0.1');
  });
  afterEach(() => listener.close());

  const answer = async (...lines: string[]): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write([...lines, 'Connection: close', '', ''].join('\r\n'));
    return text(socket);
  };

  // One process took the first, and a front door refused it: RFC 9112, 3.2.
  it('refuses a request with two Host headers', async () => {
    const refused = await answer('GET /pots HTTP/1.1', 'Host: a', 'host: b');
    expect(refused).toMatch(/^HTTP\/1\.1 400 /);
    expect(refused).toContain('"code":"fledge.bad-request"');
  });

  // It was answered with 404: RFC 9112, 3.2.2.
  it('takes a path that is written as a whole URL', async () => {
    expect(await answer('GET http://a.example:80/pots?x=http://b HTTP/1.1', 'Host: a')).toMatch(/\r\n\/pots\?x=http:\/\/b(\r\n|$)/);
    expect(await answer('GET http://a.example HTTP/1.1', 'Host: a')).toContain('no module here serves GET /"');
  });
});
