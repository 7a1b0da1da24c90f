import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { eventually } from '../src/testing/index.js';
import { OrdersSystem, type SystemOptions } from './tracing/orders-system.js';
import { OtlpReceiver } from './tracing/otlp-receiver.js';

const INSTRUMENTATION = fileURLToPath(new URL('./tracing/own.instrumentation.mjs', import.meta.url));
const OPEN_METRICS = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.3';

const TOPOLOGIES: readonly [string, SystemOptions['services']][] = [
  ['one process', { all: ['orders', 'stock'] }],
  ['two, over NATS', { front: ['orders'], back: ['stock'] }],
];

/** What three orders, of which one fails, count up to; the same in every topology. */
const COUNTED = [
  'fledge_http_request_duration_seconds_count{module="orders",method="POST",route="/orders/:order/place",status="202"} 2',
  'fledge_http_request_duration_seconds_count{module="orders",method="POST",route="/orders/:order/place",status="500"} 1',
  'fledge_http_request_duration_seconds_count{module="orders",method="_OTHER",route="",status="404"} 1',
  'fledge_http_requests_refused_total{reason="unknown-path"} 1',
  'fledge_messages_published_total{module="orders",message="orders.placed.v1"} 2',
  'fledge_messages_published_total{module="orders",message="stock.pack.v1"} 2',
  'fledge_messages_published_total{module="stock",message="stock.packed.v1"} 2',
  'fledge_messages_handled_total{module="stock",consumer="labels",outcome="handled"} 2',
  'fledge_messages_handled_total{module="stock",consumer="labels",outcome="retried"} 0',
  'fledge_messages_handled_total{module="stock",consumer="labels",outcome="dead"} 0',
  'fledge_messages_handled_total{module="stock",consumer="stock.pack",outcome="handled"} 2',
  'fledge_message_duration_seconds_count{module="stock",consumer="labels"} 2',
  'fledge_circuit_state{caller="orders",module="stock"} 0',
  'fledge_calls_waiting{caller="orders",module="stock"} 0',
  'fledge_calls_not_sent_total{caller="orders",module="stock",reason="circuit-open"} 0',
  'fledge_calls_not_sent_total{caller="orders",module="stock",reason="bulkhead-full"} 0',
  'fledge_replica_removals_total{module="orders"} 0',
  'fledge_replica_removals_total{module="stock"} 0',
  'fledge_database_waiting{module="orders"} 0',
  'fledge_process_running{module="orders",process="delivery"} 0',
  'fledge_process_oldest_seconds{module="orders",process="delivery"} 0',
  'fledge_timers_due{module="orders"} 0',
  'fledge_timers_overdue_seconds{module="stock"} 0',
];

describe.each(TOPOLOGIES)('the metrics of orders, in %s', (_name, services) => {
  const receiver = new OtlpReceiver();
  const traceId = randomBytes(16).toString('hex');
  let system: OrdersSystem;

  beforeAll(async () => {
    const endpoint = await receiver.start();
    system = await OrdersSystem.start({
      services,
      imports: [INSTRUMENTATION],
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
    });
    await system.place('book', { traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` });
    await system.place('pen', { traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-00` });
    await system.place('broken');
    await system.request('/orders/book/nowhere', 'PROPFIND');
    await system.request('/nowhere', 'GET');
  });
  afterAll(async () => {
    await system?.stop();
    await receiver.stop();
  });

  it('count requests, messages, attempts, processes and timers, with the same names', async () => {
    await eventually(
      async () => {
        const lines = new Set(await system.metrics());
        expect(COUNTED.filter((line) => !lines.has(line))).toEqual([]);
      },
      'everything is counted',
      60_000,
    );
  });

  it('are also OpenMetrics, where an exemplar leads to a trace that is kept', async () => {
    const lines = await system.metrics(OPEN_METRICS);
    expect(lines.filter((line) => line === '# EOF')).toHaveLength(Object.keys(services).length);
    expect(lines).toContain('# TYPE fledge_messages_published counter');
    expect(lines).toContain('fledge_messages_published_total{module="stock",message="stock.packed.v1"} 2');
    const exemplars = lines.filter((line) => line.includes(`# {trace_id="${traceId}"} `)).map(nameOf);
    expect(new Set(exemplars)).toEqual(
      new Set([
        'fledge_http_request_duration_seconds_bucket',
        'fledge_call_duration_seconds_bucket',
        'fledge_message_duration_seconds_bucket',
      ]),
    );
    // not renamed for those who scrape the other format
    expect(await system.metrics()).toContain('# TYPE fledge_messages_published_total counter');
  });
});

function nameOf(line: string): string {
  return line.replace(/\{.*/, '');
}
