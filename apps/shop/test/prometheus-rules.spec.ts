import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findServer, INSTALL_TIMEOUT_MS } from '@fledge/cli/servers';
import { parse, stringify } from 'yaml';

const run = promisify(execFile);
const RULES = fileURLToPath(new URL('../../../docker/prometheus/rules.yml', import.meta.url));
const DOCS = fileURLToPath(new URL('../../../libs/kit/docs/guides/', import.meta.url));

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What makes an alert fire, and end. */
interface Trial {
  readonly alert: string;
  /** Samples a minute, in promtool's notation. */
  readonly series: Readonly<Record<string, string>>;
  /** Minutes after which it fires, and has ended. */
  readonly fires: number;
  readonly ended: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly summary: string;
}

const REQUESTS = 'fledge_http_request_duration_seconds_count{module="orders",method="GET",route="/orders",status=';
const CALLS = 'fledge_call_duration_seconds_count{caller="a",module="stock",message="stock.take.v1",outcome=';
const ofStock = { module: 'stock' };

/** A gauge that is bad for a while. */
function gauge(alert: string, metric: string, bad: number, labels: Record<string, string>, summary: string): Trial {
  const selector = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return {
    alert,
    series: { [`${metric}{${selector.join(',')}}`]: `0x5 ${bad}x20 0x40` },
    fires: 20,
    ended: 50,
    labels,
    summary,
  };
}

const TRIALS: readonly Trial[] = [
  {
    alert: 'FledgeEdgeFailsFast',
    series: { [`${REQUESTS}"200"}`]: '0+98x60 5978+100x60', [`${REQUESTS}"500"}`]: '0+2x60 120x60' },
    fires: 59,
    ended: 75,
    summary: '2% of the requests of the last hour failed',
  },
  {
    alert: 'FledgeEdgeFailsSlowly',
    series: { [`${REQUESTS}"200"}`]: '0+99x400 39699+100x200', [`${REQUESTS}"503"}`]: '0+1x400 400x200' },
    fires: 390,
    ended: 440,
    summary: '1% of the requests of the last six hours failed',
  },
  {
    alert: 'FledgeCallsFailFast',
    series: { [`${CALLS}"ok"}`]: '0+98x60 5978+100x60', [`${CALLS}"deadline"}`]: '0+2x60 120x60' },
    fires: 59,
    ended: 75,
    labels: ofStock,
    summary: '2% of the calls of stock in the last hour failed',
  },
  {
    alert: 'FledgeCallsFailSlowly',
    series: { [`${CALLS}"ok"}`]: '0+99x400 39699+100x200', [`${CALLS}"fault"}`]: '0+1x400 400x200' },
    fires: 390,
    ended: 440,
    labels: ofStock,
    summary: '1% of the calls of stock in the last six hours failed',
  },
  {
    alert: 'FledgeServiceDown',
    series: { 'up{job="shop",instance="stock:3000"}': '1x5 0x10 1x10' },
    fires: 10,
    ended: 20,
    labels: { job: 'shop', instance: 'stock:3000' },
    summary: 'stock:3000 does not answer',
  },
  gauge('FledgeOutboxStuck', 'fledge_outbox_oldest_seconds', 90, ofStock, 'stock has had a message to send for 1m 30s'),
  gauge(
    'FledgeConsumerLags',
    'fledge_inbox_lag_seconds',
    120,
    { ...ofStock, consumer: 'labels' },
    'labels of stock is 2m 0s behind',
  ),
  gauge(
    'FledgeDeadLetters',
    'fledge_dead_letters',
    3,
    { ...ofStock, consumer: 'labels' },
    'labels of stock has 3 dead letters',
  ),
  gauge(
    'FledgeProcessFailed',
    'fledge_process_failures',
    2,
    { ...ofStock, process: 'delivery' },
    '2 runs of delivery of stock wait for somebody',
  ),
  gauge(
    'FledgeProcessStuck',
    'fledge_process_oldest_seconds',
    7_200,
    { ...ofStock, process: 'delivery' },
    'a run of delivery of stock began 2h 0m 0s ago',
  ),
  gauge('FledgeTimersOverdue', 'fledge_timers_overdue_seconds', 45, ofStock, 'a timer of stock is 45s late'),
  {
    alert: 'FledgeReplicaRemoved',
    series: { 'fledge_replica_removals_total{module="stock",instance="a"}': '0x5 1x40' },
    fires: 10,
    ended: 30,
    labels: ofStock,
    summary: 'a live replica of stock lost its work to others',
  },
  gauge(
    'FledgePoolExhausted',
    'fledge_database_waiting',
    4,
    { ...ofStock, instance: 'a' },
    'stock waits for a connection to PostgreSQL all the time',
  ),
  {
    alert: 'FledgeOverloaded',
    series: { 'fledge_http_requests_refused_total{reason="overload",instance="a"}': '0+60x20 1200x20' },
    fires: 15,
    ended: 30,
    labels: { instance: 'a' },
    summary: 'a refuses 1 requests a second',
  },
  gauge(
    'FledgeCircuitOpen',
    'fledge_circuit_state',
    2,
    { caller: 'ordering', module: 'stock' },
    'stock does not answer ordering, whose calls fail at once',
  ),
  gauge(
    'FledgeEventLoopBlocked',
    'nodejs_eventloop_lag_p99_seconds',
    0.5,
    { instance: 'a' },
    'work keeps a from answering for 500ms at a time',
  ),
];

const rules = (parse(readFileSync(RULES, 'utf8')) as { groups: readonly { rules: readonly Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const alerts = rules.filter((rule) => rule.alert !== undefined);

describe('the rules for Prometheus', () => {
  let folder: string;
  let promtool: string;

  beforeAll(async () => {
    promtool = await findServer('promtool');
    folder = mkdtempSync(join(tmpdir(), 'fledge-rules-'));
  }, INSTALL_TIMEOUT_MS);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are valid', async () => {
    await run(promtool, ['check', 'rules', '--lint-fatal', RULES]);
  });

  it('have each a trial, and a section of the runbook', () => {
    const runbooks = readFileSync(join(DOCS, 'runbooks.md'), 'utf8');
    const names = alerts.map(({ alert }) => alert);
    expect(TRIALS.map(({ alert }) => alert)).toEqual(names);
    expect(runbooks.match(/^## .*$/gm)?.map((heading) => heading.slice(3))).toEqual(names);
    expect(alerts.map(({ annotations }) => annotations?.runbook_url)).toEqual(
      names.map((name) => `runbooks.md#${name?.toLowerCase()}`),
    );
  });

  it('ask only for metrics that are documented', () => {
    const documented = readFileSync(join(DOCS, 'production.md'), 'utf8');
    const used = new Set(rules.flatMap(({ expr }) => expr.match(/\bfledge_[a-z_]+/g) ?? []));
    expect(used.size).toBeGreaterThan(8);
    expect([...used].filter((name) => !documented.includes(`\`${name.replace(/_count$/, '')}\``))).toEqual([]);
  });

  it.each(TRIALS)('$alert fires, and ends', async ({ alert, series, fires, ended, labels, summary }) => {
    const rule = alerts.find((candidate) => candidate.alert === alert);
    const fired = {
      exp_labels: { ...labels, ...rule?.labels },
      exp_annotations: { summary, runbook_url: rule?.annotations?.runbook_url },
    };
    const file = join(folder, `${alert}.yml`);
    writeFileSync(
      file,
      stringify({
        rule_files: [RULES],
        evaluation_interval: '1m',
        tests: [
          {
            interval: '1m',
            input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
            alert_rule_test: [
              { eval_time: `${fires}m`, alertname: alert, exp_alerts: [fired] },
              { eval_time: `${ended}m`, alertname: alert, exp_alerts: [] },
            ],
          },
        ],
      }),
    );
    await run(promtool, ['test', 'rules', file]);
  });
});
