import type { QueryRunner } from 'typeorm';
import { currentContext, now } from '../boundary/index.js';

/** How long a transaction may stay open without a statement before PostgreSQL ends its connection. */
export const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;
/** Extra time of a transaction beyond the deadline of its work. */
const MARGIN_MS = 1_000;
/** The statement with which TypeORM opens a transaction. */
const BEGIN = 'START TRANSACTION';

/**
 * Lets PostgreSQL end transactions that were left open by work with a deadline, such as by a frozen process, soon after
 * that deadline, which releases their locks. It costs no round trip, as it is sent with the BEGIN.
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
