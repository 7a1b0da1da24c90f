import { Host, QuietLogger } from '@fledge/kit';
import { DeadlineExceeded, InvalidMessage, ModuleFault, ModuleUnavailable } from '@fledge/kit/contract';
import {
  CannotEmit,
  FledgeClient,
  FledgeDeserializer,
  fledgeOverNats,
  FledgeSerializer,
  patternSubjectOf,
  PlainAnswer,
  RemoteError,
  subjectOf,
} from '@fledge/kit/microservices';
import { testNatsUrl } from '@fledge/kit/testing';
import { NatsTransport } from '@fledge/nats';
import { headers } from '@nats-io/transport-node';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type ClientProxy, ClientsModule, NatsRecordBuilder, Transport } from '@nestjs/microservices';
import { lastValueFrom, type Observable, toArray } from 'rxjs';
import { kitchen } from './cook.js';
import { FILLED, FindJar, Jar, OutOfJars, PantryContract, seen, Sweep, Wait } from './pantry.js';

const NAMESPACE = `stock${Math.random().toString(36).slice(2, 12)}`;
const at = (message: Parameters<typeof subjectOf>[1]): string => subjectOf(NAMESPACE, message);
const pattern = (route: string): string => patternSubjectOf(NAMESPACE, 'pantry', route);

/** An application without Fledge, with the clients that its services have. */
async function application() {
  const servers = testNatsUrl();
  @Module({
    imports: [
      ClientsModule.register([
        {
          name: 'PANTRY',
          transport: Transport.NATS,
          options: { servers, ...fledgeOverNats({ contracts: [PantryContract] }) },
        },
        { name: 'UNTYPED', transport: Transport.NATS, options: { servers, ...fledgeOverNats() } },
        { name: 'HASTY', transport: Transport.NATS, options: { servers, ...fledgeOverNats({ deadlineMs: 40 }) } },
        {
          name: 'HALF',
          transport: Transport.NATS,
          options: { servers, serializer: new FledgeSerializer(), deserializer: new FledgeDeserializer() },
        },
        { name: 'BARE', transport: Transport.NATS, options: { servers } },
        {
          name: 'OURS',
          customClass: FledgeClient,
          options: {
            transport: new NatsTransport({ url: servers, namespace: NAMESPACE }),
            contracts: [PantryContract],
            module: 'pantry',
          },
        },
      ]),
    ],
  })
  class ShopModule {}
  return NestFactory.createApplicationContext(ShopModule, { logger: false });
}

let host: Host;
let app: Awaited<ReturnType<typeof application>>;
beforeAll(async () => {
  const transport = new NatsTransport({ url: testNatsUrl(), namespace: NAMESPACE });
  host = await new Host({ application: kitchen, modules: ['pantry'], transport, logger: new QuietLogger() }).start();
  app = await application();
});
afterAll(async () => {
  await app?.close();
  await host?.close();
});
beforeEach(() => seen.splice(0));

const client = (name: string): ClientProxy => app.get(name, { strict: false });
const failure = (of: Observable<unknown>): Promise<unknown> =>
  lastValueFrom(of).then(
    (value) => Promise.reject(new Error(`no failure: ${JSON.stringify(value)}`)),
    (error: unknown) => error,
  );

describe('a stock NATS client of Nest that calls modules', () => {
  it('gets a result as an instance of its class, with its field `id`', async () => {
    const jar = await lastValueFrom(client('PANTRY').send(at(FindJar), { id: 'plum' }));
    expect(jar).toBeInstanceOf(Jar);
    expect(jar).toEqual({ id: 'plum', grams: 500, filled: FILLED });
  });

  it('gets a result as JSON where it does not know the contract', async () => {
    const jar: unknown = await lastValueFrom(client('UNTYPED').send(at('pantry.find-jar.v1'), { id: 'plum' }));
    expect(jar).toEqual({ id: 'plum', grams: 500, filled: FILLED.toISOString() });
  });

  it('completes a command without a result with undefined', async () => {
    const results = await lastValueFrom(client('PANTRY').send(at(Sweep), { rooms: 3 }).pipe(toArray()));
    expect(results).toEqual([undefined]);
    expect(seen).toEqual(['sweep 3 by nats']);
  });

  it('fails with the errors of the contract and of the kit, as their own classes', async () => {
    const out = await failure(client('PANTRY').send(at(FindJar), { id: 'none' }));
    expect(out).toBeInstanceOf(OutOfJars);
    expect(out).toMatchObject({ left: 0, message: 'only 0 jars are left' });
    const invalid = await failure(client('PANTRY').send(at(Sweep), { rooms: 0 }));
    expect(invalid).toBeInstanceOf(InvalidMessage);
    expect(invalid).toMatchObject({ contract: 'pantry.sweep.v1', violations: [{ path: 'rooms', rule: 'min' }] });
    const fault = await failure(client('PANTRY').send(at(FindJar), { id: 'broken' }));
    expect(fault).toBeInstanceOf(ModuleFault);
    expect(String(fault)).not.toContain('secret');
    expect(await failure(client('PANTRY').send(at('pantry.no-such.v1'), {}))).toBeInstanceOf(ModuleUnavailable);
    expect(await failure(client('HASTY').send(at(Wait), { ms: 4_000 }))).toBeInstanceOf(DeadlineExceeded);
  });

  it('fails with all that the module said where it does not know the contract', async () => {
    const out = await failure(client('UNTYPED').send(at(FindJar), { id: 'none' }));
    expect(out).toBeInstanceOf(RemoteError);
    expect(out).toMatchObject({
      code: 'pantry.out-of-jars.v1',
      kind: 'conflict',
      outcome: 'rejected',
      hint: 'fill some',
      message: 'only 0 jars are left',
      data: { left: 0 },
    });
  });

  it('sends nothing that its contract cannot carry, and emits no command', async () => {
    const instance = Object.assign(new Sweep(), { rooms: Number.NaN });
    expect(await failure(client('PANTRY').send(at(Sweep), instance))).toBeInstanceOf(InvalidMessage);
    expect(await failure(client('PANTRY').emit(at(Sweep), { rooms: 1 }))).toBeInstanceOf(CannotEmit);
    expect(seen).toEqual([]);
  });

  it('is told what to add where the header that asks for packets is missing', async () => {
    const error = await failure(client('HALF').send(at(FindJar), { id: 'plum' }));
    expect(error).toBeInstanceOf(PlainAnswer);
    expect((error as PlainAnswer).hint).toContain('headers');
  });

  it('calls handlers of patterns, and gives headers and a trace to their context', async () => {
    expect(await lastValueFrom(client('PANTRY').send(pattern('jars.sum'), [1, 2]))).toBe(3);
    expect(await failure(client('PANTRY').send(pattern('refused'), {}))).toEqual({ code: 'E_REFUSED', why: 'no jars' });
    expect(await lastValueFrom(client('PANTRY').send(pattern('nothing'), {}).pipe(toArray()))).toEqual([]);
    expect(await failure(client('PANTRY').send(pattern('unknown'), {}))).toBeInstanceOf(ModuleUnavailable);
    const sent = headers();
    sent.set('x-lang', 'cs');
    sent.set('traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
    const record = new NatsRecordBuilder({}).setHeaders(sent).build();
    expect(await lastValueFrom(client('PANTRY').send(pattern('context'), record))).toMatchObject({
      header: 'cs',
      caller: 'nats',
      trace: '0af7651916cd43dd8448eb211c80319c',
    });
  });

  it('calls handlers of patterns also without anything of the kit', async () => {
    expect(await lastValueFrom(client('BARE').send(pattern('jars.sum'), [4, 5]))).toBe(9);
    expect(await failure(client('BARE').send(pattern('text'), {}))).toEqual({ status: 'error', message: 'just text' });
    expect(await lastValueFrom(client('BARE').send(pattern('nothing'), {}).pipe(toArray()))).toEqual([]);
  });
});

describe('a FledgeClient in an application that is no module', () => {
  it('calls by class, by wire name and by pattern, with typed errors', async () => {
    const ours = app.get<FledgeClient>('OURS', { strict: false });
    const jar = await lastValueFrom(ours.send(FindJar, { id: 'plum' }));
    expect(jar).toBeInstanceOf(Jar);
    expect(jar.filled).toEqual(FILLED);
    expect(await lastValueFrom(ours.send('jars.sum', [1, 2]))).toBe(3);
    expect(await lastValueFrom(ours.send(Sweep, { rooms: 1 }).pipe(toArray()))).toEqual([undefined]);
    expect(await failure(ours.send(FindJar, { id: 'none' }))).toBeInstanceOf(OutOfJars);
    expect(seen).toEqual(['sweep 1 by nats']);
  });
});
