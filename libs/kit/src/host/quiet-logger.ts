import { ConsoleLogger, type ConsoleLoggerOptions, type LogLevel } from '@nestjs/common';
import { redacted, redactedValue } from '../contract/index.js';
import { currentContext, type Tracing } from '../boundary/index.js';

// What Nest logs about each route and each injected instance: useless to someone who starts seven modules.
const CHATTER = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory', 'NestApplication']);

// The kit's own debug lines about things that it retries by itself: another line reports what matters.
const KIT_DEBUG = /^(inbox|metrics|data:.*)$/;

/** Whether lines are JSON: `FLEDGE_LOG` says `json` or `text`; without it they are with `NODE_ENV=production`. */
export function logsJson({ FLEDGE_LOG, NODE_ENV }: NodeJS.ProcessEnv = process.env): boolean {
  return FLEDGE_LOG === 'json' || (FLEDGE_LOG !== 'text' && NODE_ENV === 'production');
}

/**
 * Nest's console logger without its start-up chatter, and without the kit's own debug lines. In production, or with
 * `FLEDGE_LOG=json`, each record is one line of JSON, with the module and the trace that it belongs to and the service
 * of the process; otherwise it is text, coloured on a terminal, with the trace id. Passwords in URLs are
 * replaced in both.
 */
export class QuietLogger extends ConsoleLogger {
  /** The service of this process, for JSON lines. */
  service: string | undefined;
  /**
   * Tells the innermost span, also one that the application has begun; the host sets it.
   * @internal
   */
  tracing: Tracing | undefined;

  constructor(options: ConsoleLoggerOptions = {}) {
    const json = options.json ?? logsJson();
    // with colours, Nest does not write JSON but what `inspect` makes of it, on several lines
    super({ json, ...options, colors: !json && (options.colors ?? process.stdout.isTTY === true) });
  }

  override log(message: unknown, ...rest: unknown[]): void {
    const context: unknown = rest.at(-1);
    if (typeof context === 'string' && CHATTER.has(context)) return;
    super.log(message, ...(rest as string[]));
  }

  override debug(message: unknown, ...rest: unknown[]): void {
    const context: unknown = rest.at(-1);
    if (typeof context === 'string' && KIT_DEBUG.test(context)) return;
    super.debug(message, ...(rest as string[]));
  }

  protected override printStackTrace(stack: string): void {
    super.printStackTrace(stack && redacted(stack));
  }

  protected override getJsonLogObject(
    message: unknown,
    options: { context: string; logLevel: LogLevel; writeStreamType?: 'stdout' | 'stderr'; errorStack?: unknown },
  ): ReturnType<ConsoleLogger['getJsonLogObject']> {
    const work = currentContext();
    const span = this.span();
    const record = redactedValue(super.getJsonLogObject(message, options));
    return {
      ...(record as ReturnType<ConsoleLogger['getJsonLogObject']>),
      ...(work && work.module !== '' && { module: work.module }),
      ...(this.service !== undefined && { service: this.service }),
      ...(span && { trace_id: span.traceId, span_id: span.spanId }),
    };
  }

  /** The whole trace id is in the line, so that a search for the correlation id that a client got finds it. */
  protected override formatMessage(...args: Parameters<ConsoleLogger['formatMessage']>): string {
    const id = this.span()?.traceId;
    const [, message] = args;
    // many lines of the kit begin with it
    if (id !== undefined && !(typeof message === 'string' && message.includes(id)))
      args[4] += this.options.colors === true ? `\x1b[2m${id}\x1b[22m ` : `${id} `;
    return redacted(super.formatMessage(...args));
  }

  /** The ids of the innermost span, or of the current work. */
  private span(): { readonly traceId: string; readonly spanId: string } | undefined {
    const work = currentContext();
    return this.tracing?.active() ?? (work && idsOf(work.traceparent));
  }
}

function idsOf(traceparent: string): { readonly traceId: string; readonly spanId: string } {
  return { traceId: traceparent.slice(3, 35), spanId: traceparent.slice(36, 52) };
}
