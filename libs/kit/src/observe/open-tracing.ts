import type { Tracing } from '../boundary/index.js';
import { StartupError } from '../contract/index.js';

/** In variables, so that the kit compiles and starts without these packages. */
const API_PACKAGE: string = '@opentelemetry/api';
const SDK_PACKAGE: string = '@opentelemetry/sdk-node';

/** How long the end of a process waits for the last spans to be sent, in milliseconds. */
const FLUSH_MAX_MS = 5_000;

/** Where every copy of the API looks for what was registered. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');

/**
 * Tracing with whatever SDK is registered in this process; `undefined` if there is none. Nothing of OpenTelemetry is
 * loaded to find out.
 * @throws StartupError when an SDK is registered with a copy of the API that does not go with the kit's.
 */
export async function openTracing(): Promise<Tracing | undefined> {
  const registered = (globalThis as { [REGISTERED]?: { readonly version?: string; readonly trace?: unknown } })[
    REGISTERED
  ];
  if (registered?.trace === undefined) return undefined;
  const [api, { OtelTracing }] = await Promise.all([
    load<typeof import('@opentelemetry/api')>(API_PACKAGE, 'an OpenTelemetry SDK is registered'),
    import('./otel-tracing.js'),
  ]);
  // a copy of the API silently ignores what was registered with an incompatible version
  if (api.trace.getTracerProvider() !== registered.trace)
    throw new StartupError(
      'tracing-api',
      `the OpenTelemetry SDK of this process was registered with version ${registered.version} of ${API_PACKAGE}, and @fledge/kit would use a newer one that does not work with it`,
      `Keep one version: \`npm ls ${API_PACKAGE}\` shows which package requires which.`,
      { registered: registered.version },
    );
  return new OtelTracing(api);
}

/** The resource of a process's spans, unless `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say otherwise. */
export interface TracedService {
  readonly namespace: string;
  readonly name: string;
  readonly version: string | undefined;
}

/** Ends tracing: sends the spans that were not sent yet. Never rejects, and takes five seconds at most. */
export type StopTracing = () => Promise<void>;

/** The part of `@opentelemetry/sdk-node` that is used. */
interface SdkPackage {
  readonly NodeSDK: new (options: object) => { start(): void; shutdown(): Promise<void> };
  readonly resources: {
    defaultResource(): { merge(other: unknown): unknown };
    resourceFromAttributes(attributes: Record<string, string | undefined>): unknown;
  };
}

/**
 * Starts an SDK if the standard environment variables ask for one and the application has not registered its own; that
 * SDK reads all other variables itself. Does and loads nothing otherwise.
 * @throws StartupError when the variables ask for an SDK that is not installed.
 */
export async function startSdk(service: TracedService, env: NodeJS.ProcessEnv = process.env): Promise<StopTracing> {
  const asks = askedBy(env);
  const { [REGISTERED]: registered } = globalThis as { [REGISTERED]?: { readonly trace?: unknown } };
  if (asks === undefined || registered?.trace !== undefined) return () => Promise.resolve();
  const { NodeSDK, resources } = await load<SdkPackage>(SDK_PACKAGE, `${asks} asks for traces`);
  const sdk = new NodeSDK({
    resource: resources.defaultResource().merge(
      resources.resourceFromAttributes({
        'service.namespace': service.namespace,
        'service.name': service.name,
        ...(service.version !== undefined && { 'service.version': service.version }),
      }),
    ),
    // traces only, unless somebody asks for more: the kit's metrics are Prometheus's, and its logs are on stdout
    ...(isSet(env.OTEL_METRICS_EXPORTER) ? {} : { metricReaders: [] }),
    ...(isSet(env.OTEL_LOGS_EXPORTER) ? {} : { logRecordProcessors: [] }),
  });
  sdk.start();
  return () => withinTime(sdk.shutdown());
}

/** The variable that asks for traces, if one does. */
function askedBy(env: NodeJS.ProcessEnv): string | undefined {
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') return undefined;
  if (isSet(env.OTEL_TRACES_EXPORTER))
    return env.OTEL_TRACES_EXPORTER.trim() === 'none' ? undefined : 'OTEL_TRACES_EXPORTER';
  return ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'].find((name) => isSet(env[name]));
}

/** OpenTelemetry takes an empty variable for one that is not set. */
function isSet(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== '';
}

async function load<T>(name: string, because: string): Promise<T> {
  try {
    return (await import(name)) as T;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if ((code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') || !message.includes(`'${name}'`)) throw error;
    throw new StartupError(
      'tracing-package',
      `${because}, but ${name} is not installed`,
      `Install it beside the kit: npm install ${API_PACKAGE} ${SDK_PACKAGE}; or set OTEL_SDK_DISABLED=true.`,
      { package: name },
    );
  }
}

/** A collector that is away must not keep a process from ending. */
async function withinTime(flush: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, FLUSH_MAX_MS)));
  await Promise.race([flush.catch(() => undefined), late]);
  clearTimeout(timer);
}
