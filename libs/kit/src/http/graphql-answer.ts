import { HttpException } from '@nestjs/common';
import { FledgeError } from '../contract/index.js';
import { FAULT_DETAIL, problemOf } from './problem.js';

/** What GraphQL's servers answer for a fault. */
const FAULT_CODE = 'INTERNAL_SERVER_ERROR';

/**
 * The error of a field whose resolver failed, for the server of GraphQL to format: a `GraphQLError` or an
 * `HttpException` as it is; errors of the kit and of contracts with the fields of their problem as `extensions`; of any
 * other nothing but the correlation id.
 */
export function fieldError(error: unknown, correlationId: string): Error {
  if (isGraphQlError(error) || error instanceof HttpException) return error;
  if (!(error instanceof FledgeError)) return told(FAULT_DETAIL, { code: FAULT_CODE, correlationId });
  const { type: _type, title: _title, detail, ...extensions } = problemOf(error, correlationId);
  return told(detail, extensions);
}

/** Its package is no peer of the kit, and there may be several copies of it. */
export function isGraphQlError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'GraphQLError';
}

function told(message: string, extensions: object): Error {
  const error = Object.assign(new Error(message), { extensions });
  // servers send it to clients in development
  error.stack = `Error: ${message}`;
  return error;
}
