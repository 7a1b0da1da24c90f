import { Logger as NestLogger } from '@nestjs/common';
import type { Logger } from 'typeorm';

/**
 * TypeORM's log of one module, through Nest's logger: migrations and warnings. Queries are not logged, because they
 * contain data; the error of a failed query reports it.
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
