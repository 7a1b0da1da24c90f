import { ConsoleLogger, type ConsoleLoggerOptions } from '@nestjs/common';

// What Nest logs about each route and each injected instance: useless to someone who starts seven modules.
const CHATTER = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory', 'NestApplication']);

// The kit's own debug lines about things that it retries by itself: another line reports what matters.
const KIT_DEBUG = /^(inbox|metrics|data:.*)$/;

/**
 * Nest's console logger without its start-up chatter, and without the kit's own debug lines. JSON lines with
 * `FLEDGE_LOG=json`, coloured text on a terminal.
 */
export class QuietLogger extends ConsoleLogger {
  constructor(options: ConsoleLoggerOptions = {}) {
    super({
      json: process.env.FLEDGE_LOG === 'json',
      colors: process.stdout.isTTY === true && process.env.FLEDGE_LOG !== 'json',
      ...options,
    });
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
}
