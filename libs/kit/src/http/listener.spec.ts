import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { docsPage } from './docs-page.js';
import { packageFolder } from './package-folder.js';
import { HttpListener, type RequestHandler } from './listener.js';

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

  describe('that takes WebSocket connections on a path', () => {
    const taken: string[] = [];
    beforeEach(() => {
      const handler: RequestHandler = (request, response) => response.end(`an answer to ${request.url}`);
      listener.own('/bells', handler);
      listener.takeUpgrades(handler, (request, socket, head) => {
        taken.push(`${request.url} ${head.toString()}`);
        socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
        socket.on('end', () => socket.end());
      });
    });

    const UPGRADE = ['Host: a', 'Connection: Upgrade', 'Upgrade: WebSocket'];

    it('hands them over, and says goodbye to them when it closes', async () => {
      const socket = connect(port, '127.0.0.1');
      socket.write(['GET /bells/1 HTTP/1.1', ...UPGRADE, '', 'ding'].join('\r\n'));
      const [head] = (await once(socket, 'data')) as [Buffer];
      expect([head.toString().split('\r\n', 1), taken.at(-1)]).toEqual([
        ['HTTP/1.1 101 Switching Protocols'],
        '/bells/1 ding',
      ]);
      const closed = listener.close();
      const [goodbye] = (await once(socket, 'data')) as [Buffer];
      // a close frame with the code 1001
      expect([...goodbye]).toEqual([0x88, 2, 0x03, 0xe9]);
      socket.end();
      await closed;
    });

    // Node hands over every request with an `Upgrade` header as soon as somebody listens, and with it the socket.
    it.each<[string, string[], string, string]>([
      ['of another path', ['GET /pots HTTP/1.1', ...UPGRADE], '', '/pots'],
      ['that may not have one', ['POST /bells HTTP/1.1', ...UPGRADE, 'Content-Length: 2'], '{}', 'an answer to /bells'],
      [
        'of HTTP/2',
        ['GET /bells HTTP/1.1', 'Host: a', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AA'],
        '',
        'an answer to /bells',
      ],
    ])('answers a request %s as without the header', async (_what, lines, body, answered) => {
      const socket = connect(port, '127.0.0.1');
      socket.write([...lines, '', body].join('\r\n'));
      socket.end(['GET /pots/last HTTP/1.1', 'Host: a', 'Connection: close', '', ''].join('\r\n'));
      const answers = await text(socket);
      expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
      expect(answers).toContain(answered);
      expect(answers.endsWith('/pots/last')).toBe(true);
    });
  });

  // It was answered with 404: RFC 9112, 3.2.2.
  it('takes a path that is written as a whole URL', async () => {
    expect(await answer('GET http://a.example:80/pots?x=http://b HTTP/1.1', 'Host: a')).toMatch(
      /\r\n\/pots\?x=http:\/\/b(\r\n|$)/,
    );
    expect(await answer('GET http://a.example HTTP/1.1', 'Host: a')).toContain('no module here serves GET /"');
  });

  it('refuses a request without a Host header, and one that expects what nobody does, with a problem', async () => {
    const lacking = await answer('GET /pots HTTP/1.1');
    expect(lacking).toMatch(/^HTTP\/1\.1 400 /);
    expect(lacking).toContain('the request has no Host header');
    const expecting = await answer('GET /pots HTTP/1.1', 'Host: a', 'Expect: wonders');
    expect(expecting).toMatch(/^HTTP\/1\.1 417 /);
    expect(expecting).toContain("the server does not support the expectation 'wonders'");
  });

  // any path below /docs showed the page
  it('shows the documents where they are, and nothing else', async () => {
    listener.ownForReading('/docs', docsPage(packageFolder('swagger-ui-dist') as string));
    for (const path of ['/docs', '/docs/', '/docs?x=1', '/docs/swagger-ui.css'])
      expect(await answer(`GET ${path} HTTP/1.1`, 'Host: a')).toMatch(/^HTTP\/1\.1 200 /);
    for (const path of ['/docs/nothing.js', '/docs/constructor', '/docs/%2e%2e%2fpackage.json']) {
      const refused = await answer(`GET ${path} HTTP/1.1`, 'Host: a');
      expect(refused).toMatch(/^HTTP\/1\.1 404 /);
      expect(refused).toContain(`no module here serves GET ${path}`);
    }
  });

  it('answers other methods than reading with 405 where there is only something to read', async () => {
    listener.ownForReading('/leaves', (request, response) => response.end('green'));
    expect(await answer('GET /leaves HTTP/1.1', 'Host: a')).toContain('green');
    const refused = await answer('DELETE /leaves HTTP/1.1', 'Host: a');
    expect(refused).toMatch(/^HTTP\/1\.1 405 /);
    expect(refused.toLowerCase()).toContain('allow: get, head');
  });
});
