import { type MetricObjectWithValues, type MetricValueWithName, Registry } from 'prom-client';

/** The text of a scrape, and its content type. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

interface Metric {
  readonly name: string;
  readonly type: unknown;
  get(): Promise<MetricObjectWithValues<MetricValueWithName<string>>>;
}

/**
 * The metrics of several registries in Prometheus' text format, or in OpenMetrics, with exemplars, for a scraper that
 * accepts it.
 * @param accept the header of the scrape.
 */
export async function expose(registries: readonly Registry[], accept: string | undefined): Promise<Exposition> {
  if (accept === undefined || !/application\/openmetrics-text/i.test(accept)) {
    const texts = await Promise.all(registries.map((registry) => registry.metrics()));
    return { contentType: Registry.PROMETHEUS_CONTENT_TYPE, text: texts.join('') };
  }
  const all = new Registry();
  all.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
  for (const registry of registries)
    for (const metric of registry.getMetricsAsArray())
      all.registerMetric(renamed(metric as unknown as Metric) as never);
  return { contentType: Registry.OPENMETRICS_CONTENT_TYPE, text: await all.metrics() };
}

/** In OpenMetrics the name of a counter has no `_total`; prom-client would rename the metric itself, for good. */
function renamed(metric: Metric): Metric {
  const nameOf = (name: string): string => (String(metric.type) === 'counter' ? name.replace(/_total$/, '') : name);
  return {
    name: nameOf(metric.name),
    type: metric.type,
    get: async () => {
      const read = await metric.get();
      return { ...read, name: nameOf(read.name) };
    },
  };
}
