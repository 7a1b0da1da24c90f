import pg from 'pg';
import type { PoisonOrder } from './orders.js';

/** Detects when this process writes a row for one order into one table, before the database gets it, and reports it. */
export class Poison {
  order: PoisonOrder | undefined;

  constructor(kill: () => void) {
    const prototype = pg.Client.prototype as unknown as Record<'query', (...args: unknown[]) => unknown>;
    const query = prototype.query;
    const isPoisoned = this.isPoisoned.bind(this);
    prototype.query = function watched(this: pg.Client, ...args: unknown[]): unknown {
      if (isPoisoned(args)) kill();
      return query.apply(this, args);
    };
  }

  private isPoisoned([statement, parameters]: readonly unknown[]): boolean {
    if (this.order === undefined) return false;
    const { text, values } =
      typeof statement === 'string'
        ? { text: statement, values: parameters }
        : (statement as { text?: string; values?: unknown });
    const { table, orderId } = this.order;
    return (
      text !== undefined &&
      new RegExp(`insert into\\s+("?\\w+"?\\.)?"?${table}"?[\\s(]`, 'i').test(text) &&
      Array.isArray(values) &&
      values.includes(orderId)
    );
  }
}
