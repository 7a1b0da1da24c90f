import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { eventually, fake, testModule, type TestedModule } from '@fledge/kit/testing';
import { GetUser, IdentityContract, UserContact, UserNotFound } from '@shop/identity/contract';
import { OrderCancelled, OrderCompleted, OrderConfirmed, OrderShipped } from '@shop/ordering/contract';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { DataSource } from 'typeorm';
import { NotificationsModule } from '../src/index.js';
import { MailRound } from '../src/send-mails/mail-round.js';
import { MailRepository } from '../src/storage/mail.repository.js';

const ann = randomUUID();
const EMAIL = 'ann@shop.test';

/** A real SMTP server, that keeps what it gets. */
class MailServer {
  readonly mails: ParsedMail[] = [];
  /** Says no to the next so many mails. */
  refuses = 0;
  private readonly server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: (stream, _session, done) => {
      void simpleParser(stream).then((mail) => {
        if (this.refuses-- > 0) return done(Object.assign(new Error('greylisted'), { responseCode: 451 }));
        this.mails.push(mail);
        done();
      }, done);
    },
  });

  async listen(port = 0): Promise<number> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server.server, 'listening');
    return (this.server.server.address() as AddressInfo).port;
  }

  of(orderId: string): ParsedMail[] {
    return this.mails.filter((mail) => mail.text?.includes(orderId));
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(resolve));
  }
}

function start(smtpUrl: string): Promise<TestedModule> {
  return testModule(NotificationsModule, {
    identity: { subject: ann, roles: [] },
    settings: { smtpUrl, from: 'Shop <shop@shop.test>' },
    fakes: [
      fake(IdentityContract).on(GetUser, ({ userId }) => {
        if (userId !== ann) throw new UserNotFound();
        return new UserContact({ userId, email: EMAIL });
      }),
    ],
    logger: false,
  });
}

describe('a mail', () => {
  const server = new MailServer();
  let shop: TestedModule;
  beforeAll(async () => {
    shop = await start(`smtp://127.0.0.1:${await server.listen()}`);
  });
  afterAll(async () => {
    await shop?.close();
    await server.close();
  });

  const confirmed = (orderId: string): OrderConfirmed =>
    new OrderConfirmed({ orderId, userId: ann, totalMinor: 6_980, currency: 'EUR' });
  const arrives = (orderId: string, count = 1): Promise<void> =>
    eventually(() => expect(server.of(orderId)).toHaveLength(count), `${count} mails arrive`, 10_000);
  const rowOf = async (
    orderId: string,
  ): Promise<
    { id: string; tries: number; failure: string | null; send_at: Date | null; sent_at: Date | null } | undefined
  > =>
    (
      await shop
        .get(DataSource)
        .query<{ id: string; tries: number; failure: string | null; send_at: Date | null; sent_at: Date | null }[]>(
          'SELECT * FROM mails WHERE order_id = $1 ORDER BY created_at, id',
          [orderId],
        )
    )[0];

  it('tells the buyer, once, however often it is told itself', async () => {
    const orderId = randomUUID();
    const event = confirmed(orderId);
    await shop.messages.deliver(event);
    await shop.messages.deliver(event);
    await shop.messages.deliver(new OrderCompleted({ orderId, userId: ann }));
    await arrives(orderId, 2);
    expect(
      server
        .of(orderId)
        .map((mail) => mail.subject)
        .sort(),
    ).toEqual(['Your order is complete', 'Your order is confirmed']);
    const first = server.of(orderId).find((mail) => mail.subject === 'Your order is confirmed');
    expect(first).toMatchObject({ from: { text: '"Shop" <shop@shop.test>' }, to: { text: EMAIL } });
    expect(first?.text).toContain('€69.80');
    expect(first?.messageId).toMatch(/^<[0-9a-f-]{36}@mail\.fledge-shop>$/);
  });

  it('is text wherever it has HTML of others in it', async () => {
    const orderId = randomUUID();
    await shop.messages.deliver(
      new OrderCancelled({ orderId, userId: ann, reason: '<script>alert("x")</script> & more' }),
    );
    await arrives(orderId);
    expect(server.of(orderId)[0]?.html).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; more');
    expect(server.of(orderId)[0]?.text).toContain('<script>alert("x")</script> & more');
  });

  it('is tried again while the server refuses it, and arrives once', async () => {
    const orderId = randomUUID();
    server.refuses = 2;
    await shop.messages.deliver(new OrderShipped({ orderId, userId: ann, trackingCode: 'FL000000000001' }));
    await arrives(orderId);
    await eventually(
      async () => expect(await rowOf(orderId)).toMatchObject({ tries: 2, failure: null, send_at: null }),
      'it is noted as sent',
    );
    expect(server.of(orderId)).toHaveLength(1);
  });

  it('to nobody is given up, and keeps why', async () => {
    const orderId = randomUUID();
    await shop.messages.deliver(new OrderCompleted({ orderId, userId: randomUUID() }));
    await eventually(
      async () =>
        expect(await rowOf(orderId)).toMatchObject({
          tries: 1,
          send_at: null,
          sent_at: null,
          failure: 'the user does not exist',
        }),
      'it is given up',
    );
  });

  it('that was sent by one who was killed before noting it goes out under the same Message-ID', async () => {
    const orderId = randomUUID();
    const mails = shop.get(MailRepository);
    const sent = mails.sent.bind(mails);
    let kills = 1;
    // what a SIGKILL leaves: handed over, not noted, and taken for a minute
    mails.sent = (handedOver) => (kills-- > 0 ? Promise.resolve() : sent(handedOver));
    await shop.messages.deliver(confirmed(orderId));
    await arrives(orderId);
    await shop.get(DataSource).query('UPDATE mails SET send_at = now() WHERE order_id = $1', [orderId]);
    await shop.get(MailRound).round();
    await arrives(orderId, 2);
    const [first, second] = server.of(orderId);
    expect(second?.messageId).toBe(first?.messageId);
    mails.sent = sent;
  });

  it('is listed to its reader alone, page by page', async () => {
    const { body } = await shop.request('GET', '/notifications?limit=2');
    expect(body).toMatchObject({
      items: [{ kind: expect.any(String) as string }, {}],
      nextCursor: expect.any(String) as string,
    });
    const { nextCursor } = body as { nextCursor: string };
    expect((await shop.request('GET', `/notifications?limit=2&cursor=${encodeURIComponent(nextCursor)}`)).status).toBe(
      200,
    );
    expect((await shop.as({ subject: randomUUID(), roles: [] }).request('GET', '/notifications')).body).toEqual({
      items: [],
      nextCursor: null,
    });
  });

  it('is not shown to the world when it is sent', async () => {
    expect((await shop.request('GET', '/notifications/mailbox')).status).toBe(404);
  });
});

it('waits for a server that is away', async () => {
  const gone = new MailServer();
  const port = await gone.listen();
  await gone.close();
  const shop = await start(`smtp://127.0.0.1:${port}`);
  const back = new MailServer();
  try {
    const orderId = randomUUID();
    await shop.messages.deliver(new OrderCompleted({ orderId, userId: ann }));
    await eventually(
      async () => expect(await shop.get(DataSource).query('SELECT 1 FROM mails WHERE tries > 0')).toHaveLength(1),
      'a try fails',
    );
    await back.listen(port);
    await eventually(() => expect(back.of(orderId)).toHaveLength(1), 'the mail arrives', 15_000);
  } finally {
    await shop.close();
    await back.close();
  }
});

it.each([{ smtpUrl: 'http://mail' }, { smtpUrl: 7 }, { smtp: 'smtp://mail' }])(
  'refuses the settings %j',
  async (settings) => {
    await expect(testModule(NotificationsModule, { settings, logger: false })).rejects.toMatchObject({
      code: 'fledge.startup.setting',
    });
  },
);

it('stays in the mailbox page without a server', async () => {
  const shop = await start('');
  try {
    const orderId = randomUUID();
    await shop.messages.deliver(new OrderCancelled({ orderId, userId: ann, reason: '<b>late</b>' }));
    await eventually(
      async () =>
        expect((await shop.as(undefined).request('GET', '/notifications/mailbox')).body).toContain(
          'Your order is cancelled',
        ),
      'the mail is shown',
    );
    const { body } = await shop.as(undefined).request('GET', '/notifications/mailbox');
    const id = /mailbox\/([0-9a-f-]{36})/.exec(String(body))?.[1] ?? '';
    const read = await shop.as(undefined).request('GET', `/notifications/mailbox/${id}`);
    expect(read.body).toContain('&lt;b&gt;late&lt;/b&gt;');
    expect((await shop.as(undefined).request('GET', `/notifications/mailbox/${randomUUID()}`)).status).toBe(404);
  } finally {
    await shop.close();
  }
});

describe('a mail server that says nothing', () => {
  const silent = createServer();
  const sockets = new Set<Socket>();
  let shop: TestedModule;
  beforeAll(async () => {
    silent.on('connection', (socket) => sockets.add(socket));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    shop = await start(`smtp://127.0.0.1:${(silent.address() as AddressInfo).port}`);
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await shop?.close();
    silent.close();
  });

  it('is given up after seconds, so that it does not hold up all others', async () => {
    const orderId = randomUUID();
    await shop.messages.deliver(new OrderCompleted({ orderId, userId: ann }));
    const tries = async (): Promise<number> =>
      (
        await shop.get(DataSource).query<{ tries: number }[]>('SELECT tries FROM mails WHERE order_id = $1', [orderId])
      )[0]?.tries ?? 0;
    await eventually(async () => expect(await tries()).toBe(1), 'it was tried in vain', 15_000);
  }, 20_000);
});
