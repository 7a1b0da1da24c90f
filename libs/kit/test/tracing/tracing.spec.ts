import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../src/testing/index.js';
import { OrdersSystem, type SystemOptions } from './orders-system.js';
import { OtlpReceiver, type ReceivedSpan } from './otlp-receiver.js';

const INSTRUMENTATION = fileURLToPath(new URL('./own.instrumentation.mjs', import.meta.url));
const LOADED = fileURLToPath(new URL('./loaded.fixture.mjs', import.meta.url));
const WITHOUT_SDK = fileURLToPath(new URL('./without-sdk.fixture.mjs', import.meta.url));
const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer'];

const TOPOLOGIES: readonly [string, SystemOptions['services']][] = [
  ['one process', { all: ['orders', 'stock'] }],
  ['two, over NATS', { front: ['orders'], back: ['stock'] }],
];

/** A trace as text, one line a span, below its parent. */
function treeOf(spans: readonly ReceivedSpan[], parent: string, depth = 0): string[] {
  return spans
    .filter((span) => (span.parentSpanId ?? '') === parent)
    .map((span) => {
      const name = span.name.replace(/ test_[0-9a-f]+$/, '');
      return [`${'  '.repeat(depth)}${KINDS[span.kind]} ${name}`, ...treeOf(spans, span.spanId, depth + 1)];
    })
    .sort((a, b) => (a.join() < b.join() ? -1 : 1))
    .flat();
}

/** The steps of an order, each below the one that caused it; `kit` stands for the kit's own statements. */
const TREE = [
  'server POST /orders/:order/place',
  '  client pg.query:COMMIT',
  '  client pg.query:START',
  '  client pg.query:kit',
  '  client stock.reserve.v1',
  '    server stock.reserve.v1',
  '      client pg.query:INSERT',
  '      internal own, in the call',
  '  producer send orders.placed.v1',
  '    consumer process orders.placed.v1',
  '      client pg.query:INSERT',
  '      client pg.query:SAVEPOINT',
  '    consumer process orders.placed.v1',
  '      client pg.query:SAVEPOINT',
  '      client pg.query:kit',
  '      client pg.query:kit',
  '      producer send stock.pack.v1',
  '        consumer process stock.pack.v1',
  '          producer send stock.packed.v1',
  '            consumer process stock.packed.v1',
  '              client pg.query:SAVEPOINT',
  '              client pg.query:kit',
  '              client pg.query:kit',
  '              consumer process timer:ask',
  '                client pg.query:INSERT',
  '                client pg.query:SAVEPOINT',
  '                client pg.query:kit',
  '                client pg.query:kit',
  '                client pg.query:kit',
  '                internal own, at the timer',
];

function newTrace(): { readonly traceId: string; readonly spanId: string; readonly traceparent: string } {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` };
}

describe('an order, traced from the edge to its last timer', () => {
  const trees = new Map<string, string[]>();

  describe.each(TOPOLOGIES)('in %s', (name, services) => {
    const receiver = new OtlpReceiver();
    const [whole, broken] = [newTrace(), newTrace()];
    let system: OrdersSystem;
    let spans: readonly ReceivedSpan[] = [];

    beforeAll(async () => {
      const endpoint = await receiver.start();
      system = await OrdersSystem.start({
        services,
        imports: [INSTRUMENTATION],
        env: {
          OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
          OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
          OTEL_BSP_SCHEDULE_DELAY: '50',
        },
      });
      const statuses = [
        await system.place('book', {
          traceparent: whole.traceparent,
          tracestate: 'vendor=abc',
          baggage: 'user=ann;role=buyer',
        }),
        await system.place('broken', { traceparent: broken.traceparent }),
      ];
      expect(statuses).toEqual([202, 500]);
      await eventually(
        () => receiver.of(whole.traceId).some((span) => span.name === 'process timer:ask'),
        'the timer is traced',
        20_000,
      );
      await system.stop();
      // whether a connection had to be opened is chance
      spans = receiver.of(whole.traceId).filter((span) => !/^pg(-pool)?\.connect/.test(span.name));
      trees.set(name, treeOf(spans, whole.spanId));
    });

    afterAll(async () => {
      await system?.stop();
      await receiver.stop();
    });

    it('is one tree, which names every step', () => {
      const tree = trees.get(name) ?? [];
      expect(tree.map((line) => line.replace(/fledge-[\da-f]{12}$/, 'kit'))).toEqual(TREE);
      // nothing beside the tree
      expect(spans).toHaveLength(tree.length);
    });

    it('carries the state of the tracing system and the baggage of the application to the end', () => {
      expect(spans.filter(({ traceState }) => traceState !== 'vendor=abc')).toEqual([]);
      const own = spans.filter((span) => span.name.startsWith('own'));
      expect(own.map(({ attributes }) => attributes.user)).toEqual(['ann', 'ann']);
    });

    it('follows the conventions of OpenTelemetry', () => {
      expect(attributesOf('POST /orders/:order/place')).toMatchObject({
        'http.request.method': 'POST',
        'http.route': '/orders/:order/place',
        'url.path': '/orders/book/place',
        'http.response.status_code': 202,
      });
      for (const { attributes } of spans.filter((span) => span.name === 'stock.reserve.v1'))
        expect(attributes).toMatchObject({ 'rpc.system.name': 'fledge', 'rpc.method': 'stock.reserve.v1' });
      const [sent, processed] = ['send orders.placed.v1', 'process orders.placed.v1'].map(attributesOf);
      expect(sent).toMatchObject({
        'messaging.system': 'fledge',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'orders.placed.v1',
        'messaging.message.id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
      expect(processed).toMatchObject({
        'messaging.operation.type': 'process',
        'messaging.consumer.group.name': expect.stringMatching(/^(orders\.delivery|stock\.labels)$/),
        'messaging.message.id': sent?.['messaging.message.id'],
      });
      expect(new Set(spans.map(({ service }) => service))).toEqual(new Set(Object.keys(services)));
    });

    it('says where a failure was, and nothing of it to the client', () => {
      const failed = receiver.of(broken.traceId);
      expect(failed.map(({ kind, status, attributes }) => [KINDS[kind], status, attributes['error.type']])).toEqual(
        expect.arrayContaining([
          ['server', 2, 'Error'],
          ['client', 2, 'fledge.module-fault'],
          ['server', 2, '500'],
        ]),
      );
      expect(failed).toHaveLength(3);
    });

    it('is in the log, one line of JSON each, by trace, module and service', () => {
      const lines = system.logged();
      const timer = spans.find((span) => span.name === 'process timer:ask');
      expect(lines.filter(({ context }) => context === 'delivery')).toEqual([
        expect.objectContaining({
          level: 'warn',
          message: 'the buyer is asked\non two lines',
          module: 'orders',
          service: timer?.service,
          trace_id: whole.traceId,
          span_id: timer?.spanId,
        }),
      ]);
      const handler = receiver
        .of(broken.traceId)
        .find(({ kind, name: spanName }) => KINDS[kind] === 'server' && spanName === 'stock.reserve.v1');
      expect(lines.filter(({ message }) => String(message).includes('the shelf is broken'))).toEqual([
        expect.objectContaining({
          level: 'error',
          message: expect.stringContaining('\n    at '),
          module: 'stock',
          service: handler?.service,
          trace_id: broken.traceId,
          span_id: handler?.spanId,
        }),
      ]);
    });

    function attributesOf(span: string): ReceivedSpan['attributes'] | undefined {
      return spans.find(({ name: other }) => other === span)?.attributes;
    }
  });

  it('is the same tree in both, with the statements of the kit', () => {
    const [one, other] = TOPOLOGIES.map(([name]) => trees.get(name));
    expect(one).toBeDefined();
    expect(other).toEqual(one);
  });
});

describe('a process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fledge-loaded-'));
  const loaded = join(folder, 'loaded');
  let system: OrdersSystem | undefined;

  afterEach(async () => {
    await system?.stop();
    system = undefined;
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('loads nothing of OpenTelemetry without the variables, and goes on with the trace of a request up to its timers', async () => {
    const { traceId, traceparent } = newTrace();
    system = await OrdersSystem.start({
      services: { all: ['orders', 'stock'] },
      imports: [LOADED],
      env: { LOADED_FILE: loaded, FLEDGE_LOG: 'json', NODE_ENV: 'development' },
    });
    expect(await system.place('book', { traceparent })).toBe(202);
    await eventually(() => system?.logged().some(({ context }) => context === 'delivery'), 'the timer', 20_000);
    expect(system.logged().find(({ context }) => context === 'delivery')).toMatchObject({
      trace_id: traceId,
      module: 'orders',
      service: 'all',
    });
    await system.stop();
    // prom-client, which makes the metrics, requires the API by itself, for exemplars
    const lines = readFileSync(loaded, 'utf8').trim().split('\n');
    expect(lines.filter((line) => !line.startsWith('require: by prom-client: @opentelemetry/api/'))).toEqual([]);
  });

  it('says what to install when the variables ask for traces and the SDK is not there, as one line of its log', async () => {
    const starting = OrdersSystem.start({
      services: { all: ['orders', 'stock'] },
      imports: [WITHOUT_SDK],
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
    });
    const [, line = ''] = /ended: (.*)/.exec(await starting.then(String, (error: Error) => error.message)) ?? [];
    expect(JSON.parse(line)).toMatchObject({
      level: 'fatal',
      service: 'all',
      message:
        'OTEL_EXPORTER_OTLP_ENDPOINT asks for traces, but @opentelemetry/sdk-node is not installed\n  Install it beside the kit: npm install @opentelemetry/api @opentelemetry/sdk-node; or set OTEL_SDK_DISABLED=true.',
    });
  });
});
