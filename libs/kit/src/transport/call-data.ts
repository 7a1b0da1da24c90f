import { InvalidMessage } from '../contract/index.js';

/** The name of a calling module. */
export const CALLER = /^[a-z][a-z0-9-]{0,39}$/;

/**
 * Parses the body of a call; decoding comes next. An empty body is an empty message. @throws InvalidMessage when it is
 * not JSON.
 */
export function parseBody(name: string, body: string): unknown {
  if (body === '') return {};
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new InvalidMessage(name, [
      { path: '', rule: 'json', message: `is not JSON: ${error instanceof Error ? error.message : String(error)}` },
    ]);
  }
}
