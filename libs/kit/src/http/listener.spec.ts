import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { docsPage } from './docs-page.js';
import { packageFolder } from './package-folder.js';
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
