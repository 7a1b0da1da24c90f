import type { StoredMessage } from '../../transport/index.js';

/** A message as JSON, for the statements that store into an inbox. */
export function inboxRow({ id, source, kind, name, key, payload, headers, occurredAt }: StoredMessage): object {
  return { id, source, kind, name, key, payload, headers, occurred_at: occurredAt };
}
