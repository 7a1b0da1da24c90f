import { Logger as NestLogger } from '@nestjs/common';
import type { Logger } from 'typeorm';

/**
 * TypeORM's log of one module, by Nest's logger: migrations and warnings. Queries are not logged, for they hold data; a
 * failed one is told by its error.
 */
export class DataLog implements Logger {
  private readonly nest: NestLogger;

  constructor(module: string) {
    this.nest = new NestLogger(`data:${module}`);
  }

  logQuery(): void {}

  logQueryError(): void {}

  logQuerySlow(): void {}

  logSchemaBuild(): void {}

  logMigration(message: string): void {
    this.nest.log(message);
  }

  log(level: 'log' | 'info' | 'warn', message: unknown): void {
    if (level === 'warn') this.nest.warn(message);
    else this.nest.debug(message);
  }
}
