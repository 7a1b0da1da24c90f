import type { Registry } from 'prom-client';
import { Durations } from '../boundary/index.js';
import type { EndedRequest, RefusalReason, RequestMeter } from '../http/index.js';
import { register, valuesOf } from './histogram.js';

const DURATION = 'fledge_http_request_duration_seconds';
const REFUSED = 'fledge_http_requests_refused_total';

interface Series {
  readonly labels: Record<string, string>;
  readonly durations: Durations;
}

/**
 * HTTP requests by module, method, route and status, as a Prometheus histogram, and those that the listener refused. A
 * route is a label as it was declared, never the path of a request, so that labels have a bound.
 */
export class RequestMetrics implements RequestMeter {
  private readonly series = new Map<string, Series>();
  private readonly refusals = new Map<RefusalReason, number>();

  ended({ module, method, route = '', status, durationMs, trace }: EndedRequest): void {
    const key = `${module} ${method} ${status} ${route}`;
    let series = this.series.get(key);
    if (!series) {
      series = { labels: { module, method, route, status: String(status) }, durations: new Durations() };
      this.series.set(key, series);
    }
    series.durations.record(durationMs, trace);
  }

  refused(reason: RefusalReason): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
  }

  /** Adds both metrics to a registry, once. */
  registerIn(registry: Registry): void {
    register(registry, {
      name: DURATION,
      help: 'Duration of HTTP requests that a module answered, in seconds. An empty route is an unknown path.',
      type: 'histogram',
      values: () => [...this.series.values()].flatMap(({ labels, durations }) => valuesOf(DURATION, labels, durations)),
      reset: () => this.series.clear(),
    });
    register(registry, {
      name: REFUSED,
      help: 'HTTP requests that no module was given: overload, unknown-path or malformed.',
      type: 'counter',
      values: () => [...this.refusals].map(([reason, value]) => ({ value, labels: { reason } }) as never),
      reset: () => this.refusals.clear(),
    });
  }
}
