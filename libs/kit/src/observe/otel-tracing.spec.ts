import {
  context,
  propagation,
  ProxyTracerProvider,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { NodeSDK, tracing as sdk } from '@opentelemetry/sdk-node';
import { Command, CommandBus, CommandHandler } from '@nestjs/cqrs';
import { Controller, Get } from '@nestjs/common';
import { IsString } from 'class-validator';
import { currentCall } from '../boundary/index.js';
import { BoundedModule } from '../bus/index.js';
import { CommandContract, ContractError, defineContract, ErrorContract } from '../contract/index.js';
import { Host } from '../host/index.js';
import { LocalTransport } from '../transport/index.js';
import { openTracing, startSdk } from './open-tracing.js';

@ErrorContract('bell.broken.v1', { kind: 'conflict', hint: 'Mend it.' })
class Broken extends ContractError {}

@CommandContract('bell.ring.v1', { result: String, errors: [Broken] })
class Ring extends Command<string> {
  @IsString() readonly how: string;
  constructor(how: string) {
    super();
    this.how = how;
  }
}

const seen = { active: '', call: '', baggage: '' as string | undefined, foreign: '' as unknown };
const ANY = Symbol('of the caller alone');

@CommandHandler(Ring)
class RingHandler {
  async execute({ how }: Ring): Promise<string> {
    const active = trace.getActiveSpan()?.spanContext();
    seen.active = `${active?.traceId}-${active?.spanId}`;
    seen.call = currentCall()?.traceparent.slice(3, 52) ?? '';
    seen.baggage = propagation.getActiveBaggage()?.getEntry('user')?.value;
    seen.foreign = context.active().getValue(ANY);
    if (how === 'broken') throw new Broken('no sound');
    if (how === 'fault') throw new TypeError('the clapper is undefined');
    return how;
  }
}

@Controller('door')
class DoorController {
  constructor(private readonly commands: CommandBus) {}

  @Get(':how')
  knock(): Promise<string> {
    return this.commands.execute(new Ring('gently'));
  }
}

const Bell = defineContract({ name: 'bell', commands: [Ring] });
const Door = defineContract({ name: 'door', routes: ['/door'] });
@BoundedModule({ contract: Bell, providers: [RingHandler] })
class BellModule {}
@BoundedModule({ contract: Door, uses: [Bell], controllers: [DoorController] })
class DoorModule {}

describe('a host in a process with an SDK of its own', () => {
  const exporter = new sdk.InMemorySpanExporter();
  const own = new NodeSDK({
    spanProcessors: [new sdk.SimpleSpanProcessor(exporter)],
    metricReaders: [],
    logRecordProcessors: [],
    // spans are exported at once, not when the machine has been looked at
    autoDetectResources: false,
  });
  let host: Host;
  let starting: Span;

  beforeAll(async () => {
    own.start();
    starting = trace.getTracer('own').startSpan('the start of the process');
    host = await context.with(trace.setSpan(context.active(), starting), () =>
      new Host({
        application: {
          name: 'house',
          modules: [
            { contract: Bell, load: () => Promise.resolve(BellModule) },
            { contract: Door, load: () => Promise.resolve(DoorModule) },
          ],
        },
        modules: ['bell', 'door'],
        transport: new LocalTransport(),
        http: { port: 0 },
        logger: false,
      }).start(),
    );
  });
  beforeEach(() => exporter.reset());
  afterAll(async () => {
    await host?.close();
    await own.shutdown();
    trace.disable();
    context.disable();
    propagation.disable();
  });

  const ring = (how: string): Promise<string> => host.module('door').get(CommandBus).execute(new Ring(how));
  const spans = (): sdk.ReadableSpan[] => exporter.getFinishedSpans();
  const spanOf = (kind: SpanKind): sdk.ReadableSpan => spans().find((span) => span.kind === kind) as sdk.ReadableSpan;

  it('makes the span of a handler the active one, and the one that currentCall() tells', async () => {
    await ring('loudly');
    const { traceId, spanId } = spanOf(SpanKind.SERVER).spanContext();
    expect([seen.active, seen.call]).toEqual([`${traceId}-${spanId}`, `${traceId}-${spanId}`]);
  });

  it("lets the trace and the baggage into a call, and nothing else of the caller's context", async () => {
    const inside = context.active().setValue(ANY, 'secret');
    const baggage = propagation.createBaggage({ user: { value: 'bø, =;' } });
    await trace.getTracer('own').startActiveSpan('caller', async (span) => {
      await context.with(propagation.setBaggage(trace.setSpan(inside, span), baggage), () => ring('loudly'));
      span.end();
    });
    const [server, client, caller] = spans();
    expect(server?.parentSpanContext?.spanId).toBe(client?.spanContext().spanId);
    expect(client?.parentSpanContext?.spanId).toBe(caller?.spanContext().spanId);
    expect(seen).toMatchObject({ baggage: 'bø, =;', foreign: undefined });
  });

  it('drops a baggage that is too large for a boundary, and calls all the same', async () => {
    const baggage = propagation.createBaggage({ user: { value: 'x'.repeat(9_000) } });
    const answer = await context.with(propagation.setBaggage(context.active(), baggage), () => ring('loudly'));
    expect([answer, seen.baggage]).toEqual(['loudly', undefined]);
  });

  it('takes a declared error for an answer of the callee, and for a failure of the caller', async () => {
    await expect(ring('broken')).rejects.toBeInstanceOf(Broken);
    expect(spanOf(SpanKind.SERVER)).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      attributes: { 'error.type': 'bell.broken.v1' },
      events: [],
    });
    expect(spanOf(SpanKind.CLIENT).status.code).toBe(SpanStatusCode.ERROR);
  });

  it('records an unexpected error where it was thrown, with its stack, and not at the caller', async () => {
    await expect(ring('fault')).rejects.toMatchObject({ code: 'fledge.module-fault' });
    expect(spanOf(SpanKind.SERVER)).toMatchObject({
      status: { code: SpanStatusCode.ERROR, message: 'the clapper is undefined' },
      attributes: { 'error.type': 'TypeError' },
      events: [{ name: 'exception' }],
    });
    expect(spanOf(SpanKind.CLIENT)).toMatchObject({ attributes: { 'error.type': 'fledge.module-fault' }, events: [] });
  });

  it('begins a trace at a request, not below the span in which the process was started', async () => {
    await (await fetch(`http://127.0.0.1:${host.port}/door/side`)).text();
    const request = spans().find((span) => span.name === 'GET /door/:how');
    expect(request?.parentSpanContext).toBeUndefined();
    expect(spans()).toHaveLength(3);
  });

  it("uses the span that the application's own instrumentation of HTTP has begun, and names it", async () => {
    const tracer = trace.getTracer('own');
    const server = (host as unknown as { listener: { server: NodeJS.EventEmitter } }).listener.server;
    const [handle] = server.listeners('request') as ((...args: unknown[]) => void)[];
    server.removeAllListeners('request');
    server.on('request', (...args: unknown[]) =>
      tracer.startActiveSpan('GET', { kind: SpanKind.SERVER }, (span) => {
        (args[1] as NodeJS.EventEmitter).on('close', () => span.end());
        handle?.(...args);
      }),
    );
    await (await fetch(`http://127.0.0.1:${host.port}/door/back`)).text();
    server.removeAllListeners('request').on('request', handle as () => void);
    expect(spans().map(({ name, kind }) => `${SpanKind[kind]} ${name}`)).toEqual([
      'SERVER bell.ring.v1',
      'CLIENT bell.ring.v1',
      'SERVER GET /door/:how',
    ]);
    expect(spans()[1]?.parentSpanContext?.spanId).toBe(spans()[2]?.spanContext().spanId);
  });

  it('needs no variable, and does not start a second SDK because of one', async () => {
    await (
      await startSdk({ namespace: 'n', name: 's', version: '1.0.0' }, { OTEL_TRACES_EXPORTER: 'otlp' })
    )();
    await ring('loudly');
    expect(spans()).toHaveLength(2);
  });

  it('refuses an SDK that was registered with a copy of the API that is too old for the kit', async () => {
    const key = Symbol.for('opentelemetry.js.api.1');
    const all = globalThis as unknown as Record<symbol, object>;
    const registered = all[key] as object;
    all[key] = { version: '1.0.0', trace: new ProxyTracerProvider() };
    try {
      await expect(openTracing()).rejects.toMatchObject({ code: 'fledge.startup.tracing-api' });
    } finally {
      all[key] = registered;
    }
  });
});

describe('without an SDK', () => {
  it.each([
    {},
    { OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
    { OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
    { OTEL_SERVICE_NAME: 'shop' },
  ])('nothing is started with %j', async (env) => {
    await startSdk({ namespace: 'n', name: 's', version: undefined }, env);
    expect(await openTracing()).toBeUndefined();
  });
});
