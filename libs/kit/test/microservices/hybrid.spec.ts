import type { AddressInfo } from 'node:net';
import { type Application, BoundedModule, Host, LocalTransport, type NestHooks, QuietLogger } from '@fledge/kit';
import { defineContract } from '@fledge/kit/contract';
import { FledgeClient, FledgeStrategy } from '@fledge/kit/microservices';
import { eventually, freshDatabase, type FreshDatabase, testModule, testNatsUrl } from '@fledge/kit/testing';
import { Controller, type Type } from '@nestjs/common';
import {
  type ClientProxy,
  ClientProxyFactory,
  MessagePattern,
  type MicroserviceOptions,
  type ServerTCP,
  Transport,
} from '@nestjs/microservices';
import { lastValueFrom, type Observable, toArray } from 'rxjs';
import { ANSWERING, PantryContract, PantryModule } from './pantry.js';
import { gate, TillContract, TillModule, told } from './till.js';

const LOGGER = new QuietLogger();

/** The transports of Nest that services outside of Fledge call: TCP inherits the configuration, NATS does not. */
const HYBRID: NestHooks = {
  beforeInit: (app) => {
    app.connectMicroservice<MicroserviceOptions>(
      { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } },
      { inheritAppConfig: true },
    );
    app.connectMicroservice<MicroserviceOptions>({
      transport: Transport.NATS,
      options: { servers: testNatsUrl(), queue: 'till' },
    });
  },
};

const shop: Application = {
  name: 'shop',
  modules: [
    { contract: PantryContract, load: () => Promise.resolve(PantryModule), nest: ANSWERING },
    { contract: TillContract, load: () => Promise.resolve(TillModule), nest: HYBRID },
  ],
};

const failure = (of: Observable<unknown>): Promise<unknown> =>
  lastValueFrom(of).then(
    (value) => Promise.reject(new Error(`no failure: ${JSON.stringify(value)}`)),
    (error: unknown) => error,
  );

/** The server of the first microservice of a module. */
function serverOf(host: Host, module: string): ServerTCP {
  return (host.module(module).getMicroservices()[0] as unknown as { serverInstance: ServerTCP }).serverInstance;
}

describe('a hybrid module, with transports of Nest', () => {
  let database: FreshDatabase;
  let host: Host;
  const clients: ClientProxy[] = [];
  let tcp: ClientProxy;
  let nats: ClientProxy;

  beforeAll(async () => {
    database = await freshDatabase();
    host = await new Host({
      application: shop,
      modules: ['pantry', 'till'],
      transport: new LocalTransport(),
      database,
      logger: LOGGER,
    }).start();
    const { port } = serverOf(host, 'till').unwrap<{ address(): AddressInfo }>().address();
    tcp = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
    nats = ClientProxyFactory.create({ transport: Transport.NATS, options: { servers: testNatsUrl() } });
    clients.push(tcp, nats);
  });
  afterAll(async () => {
    for (const client of clients) await client.close();
    await host?.close();
    await database?.drop();
  });
  beforeEach(() => told.splice(0));

  it.each([
    ['TCP', () => tcp],
    ['NATS', () => nats],
  ])('calls, stores and publishes in a handler, in a context of the module: %s', async (name, client) => {
    expect(await lastValueFrom(client().send('till.pay', { id: `r-${name}` }))).toEqual({
      grams: 500,
      caller: 'rpc',
      identity: null,
      leftMs: 'Infinity',
    });
    await eventually(() => told.includes(`paid r-${name}`), 'the event is delivered');
  });

  it('keeps the rules of the boundary in a handler', async () => {
    expect(await lastValueFrom(tcp.send('till.call-in-transaction', {}))).toBe('fledge.boundary-call-in-transaction');
    expect(await failure(tcp.send('till.unstored', {}))).toMatchObject({ code: 'fledge.no-open-transaction' });
  });

  it('streams what a handler emits, with its context', async () => {
    expect(await lastValueFrom(tcp.send('till.stream', {}).pipe(toArray()))).toEqual(['first', 'then rpc']);
  });

  it('answers exceptions as Nest documents them', async () => {
    for (const client of [tcp, nats]) {
      expect(await failure(client.send('till.refused', {}))).toEqual({ status: 'error', message: 'no change' });
      expect(await failure(client.send('till.broken', {}))).toEqual({
        status: 'error',
        message: 'Internal server error',
      });
    }
  });

  it('tells errors of contracts where the transport inherits the configuration, and hides them where not', async () => {
    expect(await failure(tcp.send('till.closed', {}))).toMatchObject({
      status: 'error',
      code: 'till.closed.v1',
      message: 'closed on Sundays',
      hint: 'come tomorrow',
    });
    expect(await failure(nats.send('till.closed', {}))).toEqual({ status: 'error', message: 'Internal server error' });
  });

  it('gives an event to the transport that its handler names', async () => {
    await lastValueFrom(tcp.emit('till.opened', 'Ann'), { defaultValue: undefined });
    await eventually(() => told.includes('opened by Ann'), 'the event is handled');
  });

  it('answers what runs when the host drains, and closes each transport once', async () => {
    const server = serverOf(host, 'till');
    let closes = 0;
    const close = server.close.bind(server);
    server.close = () => (closes++, close());
    const answer = lastValueFrom(tcp.send('till.slow', {}));
    await eventually(() => told.includes('slow began'), 'the handler runs');
    const closed = host.close();
    let isClosed = false;
    void closed.then(() => (isClosed = true));
    // that it does not end can only be seen by waiting
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([isClosed, closes]).toEqual([false, 0]);
    gate.open();
    expect(await answer).toBe('done');
    await closed;
    expect(closes).toBe(1);
  });
});

describe('what is refused at the start', () => {
  const LonelyContract = defineContract({ name: 'lonely' });

  async function refusal(cls: Type, nest: readonly NestHooks[] = []): Promise<unknown> {
    return testModule(cls, { nest, logger: LOGGER }).then(
      async (test) => (await test.close(), 'started'),
      (error: unknown) => error,
    );
  }

  function lonely(pattern: unknown, transport?: Transport): Type {
    @Controller()
    class LonelyController {
      @MessagePattern(pattern as string, transport as Transport)
      answer(): void {}
    }
    @BoundedModule({ contract: LonelyContract, controllers: [LonelyController] })
    class LonelyModule {}
    return LonelyModule;
  }

  it('handlers of patterns that nothing would call, with the hook that is missing', async () => {
    expect(await refusal(lonely('a'))).toMatchObject({
      code: 'fledge.startup.pattern-unanswered',
      message: expect.stringContaining('LonelyController.answer (["a"])'),
      hint: expect.stringContaining('connectMicroservice({ strategy: new FledgeStrategy() })'),
    });
    expect(await refusal(lonely('a', Transport.KAFKA), [ANSWERING])).toMatchObject({
      code: 'fledge.startup.pattern-unanswered',
    });
    expect(await refusal(lonely('a'), [ANSWERING])).toBe('started');
  });

  it.each(['a.*', 'a b', '', 'ä', '>', 'x'.repeat(201)])('a pattern that is no subject: %j', async (pattern) => {
    expect(await refusal(lonely(pattern), [ANSWERING])).toMatchObject({ code: 'fledge.startup.pattern' });
  });

  it('one strategy for two modules, and one without a host', async () => {
    const strategy = new FledgeStrategy();
    const shared: NestHooks = { beforeInit: (app) => void app.connectMicroservice({ strategy }) };
    expect(await refusal(lonely('a'), [shared])).toBe('started');
    expect(await refusal(lonely('a'), [shared])).toMatchObject({ code: 'fledge.startup.strategy-twice' });
    expect(await new Promise((resolve) => new FledgeStrategy().listen(resolve))).toMatchObject({
      code: 'fledge.startup.strategy-alone',
    });
  });

  it('a hook that starts the microservices itself, and a transport that cannot listen', async () => {
    const starts: NestHooks = { afterInit: (app) => void app.startAllMicroservices() };
    expect(await refusal(lonely('a'), [ANSWERING, starts])).toMatchObject({ code: 'fledge.startup.nest-hook' });
    const silent: NestHooks = {
      beforeInit: (app) =>
        void app.connectMicroservice<MicroserviceOptions>({
          transport: Transport.NATS,
          options: { servers: '127.0.0.1:1', reconnect: false, timeout: 500 },
        }),
    };
    expect(await refusal(lonely('a'), [silent])).toMatchObject({
      code: 'fledge.startup.microservice',
      hint: expect.stringContaining('connectMicroservice'),
    });
  });

  it('a client that belongs to no module, and a pattern without a module', async () => {
    expect(await failure(new FledgeClient().send('a', {}))).toMatchObject({
      code: 'fledge.unknown-target',
      hint: expect.stringContaining('ClientsModule'),
    });
    const transport = new LocalTransport();
    const client = new FledgeClient({ transport });
    expect(await failure(client.send('a', {}))).toMatchObject({ hint: expect.stringContaining("module: 'inventory'") });
    expect(await failure(client.send(PantryModule, {}))).toMatchObject({ code: 'fledge.unknown-target' });
    expect(() => new FledgeClient({ deadlineMs: 0 })).toThrow('deadlineMs');
    await client.close();
  });
});
