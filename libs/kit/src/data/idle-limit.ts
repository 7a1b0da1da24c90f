import type { QueryRunner } from 'typeorm';
import { currentContext, now } from '../boundary/index.js';

/** How long a transaction may stay open without a statement before PostgreSQL ends its connection. */
export const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;
/** What a transaction is given beyond the deadline of its work. */
const MARGIN_MS = 1_000;
/** How TypeORM opens a transaction. */
const BEGIN = 'START TRANSACTION';

/**
 * Ends the transactions that work with a deadline leaves open, as a process does that is frozen, soon after the
 * deadline: what they have locked is free again then. It costs no round trip, for it is sent with the BEGIN.
 */
export function limitIdle(runner: QueryRunner): QueryRunner {
  const { query } = runner;
  const limited = (...args: Parameters<QueryRunner['query']>): Promise<unknown> => {
    if (args[0] === BEGIN) args[0] += limitOf(currentContext()?.deadlineAt ?? Infinity);
    return query.apply(runner, args);
  };
  return Object.assign(runner, { query: limited });
}

function limitOf(deadlineAt: number): string {
  const limitMs = Math.max(0, Math.ceil(deadlineAt - now())) + MARGIN_MS;
  return limitMs < IDLE_IN_TRANSACTION_TIMEOUT_MS ? `; SET LOCAL idle_in_transaction_session_timeout = ${limitMs}` : '';
}
