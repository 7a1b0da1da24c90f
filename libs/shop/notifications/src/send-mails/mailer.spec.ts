import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { NotificationsSettings } from '../settings.js';
import { Mailer } from './mailer.js';

const LETTER = { subject: 'Your order', text: 'It is on its way.', html: '<p>It is on its way.</p>' };
const received: string[] = [];
let server: SMTPServer | undefined;
let mailer: Mailer | undefined;

afterEach(async () => {
  mailer?.onModuleDestroy();
  await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  received.splice(0);
});

async function mailerTo(options: SMTPServerOptions, smtpTls: 'required' | 'offered'): Promise<Mailer> {
  server = new SMTPServer({
    ...options,
    authOptional: true,
    logger: false,
    onData: (stream, _session, done) => {
      stream.setEncoding('utf8').on('data', (text: string) => received.push(text));
      stream.once('end', () => done());
    },
  });
  // a handshake that a client breaks off
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  const settings = Object.assign(new NotificationsSettings(), { smtpUrl: `smtp://127.0.0.1:${port}`, smtpTls });
  return (mailer = new Mailer(settings));
}

describe('a mail', () => {
  it('is not sent to a server without TLS where TLS is required', async () => {
    const required = await mailerTo({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] }, 'required');
    await expect(required.send('1', 'buyer@mail.test', LETTER)).rejects.toThrow(/STARTTLS|not supported|TLS/i);
    expect(received).toEqual([]);
  });

  it('is not sent to a server whose certificate no trusted authority has signed', async () => {
    // the server has a self-signed certificate of its own
    for (const smtpTls of ['required', 'offered'] as const) {
      const untrusting = await mailerTo({}, smtpTls);
      await expect(untrusting.send('1', 'buyer@mail.test', LETTER)).rejects.toThrow(/certificate/);
      expect(received).toEqual([]);
      untrusting.onModuleDestroy();
      await new Promise<void>((resolve) => server?.close(() => resolve()));
      server = undefined;
    }
  });

  it('is sent to a server without TLS where TLS is only taken if offered', async () => {
    const offered = await mailerTo({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] }, 'offered');
    await offered.send('1', 'buyer@mail.test', LETTER);
    expect(received.join('')).toContain('It is on its way.');
  });
});
