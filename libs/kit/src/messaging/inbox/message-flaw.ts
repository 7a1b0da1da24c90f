import type { Catalogue } from '../../boundary/index.js';
import type { StoredMessage } from '../../transport/index.js';

/** What the receiving side knows of those who may send to it. */
export interface Senders {
  readonly catalogue: Catalogue;
  /** Whether a module may send commands. */
  admits(module: string): boolean;
}

/**
 * Why a message that came from outside of this process is not what it claims: an event is published by the owner of its
 * contract and ordered by the field that the contract names; a command comes from a module of the application. Versions
 * that this process does not know are left to the dispatcher.
 */
export function flawOf({ kind, name, source, key, payload }: StoredMessage, senders: Senders): string | undefined {
  if (kind === 'command') return senders.admits(source) ? undefined : `${source} is no module of the application`;
  const event = senders.catalogue.eventNamed(name);
  if (event === undefined) return undefined;
  if (event.module !== source) return `it is an event of ${event.module}, and comes from ${source}`;
  let body: unknown;
  try {
    body = JSON.parse(payload);
  } catch {
    return 'its payload is no JSON';
  }
  if (typeof body !== 'object' || body === null) return 'its payload is no object';
  const own = Object.hasOwn(body, event.key) ? (body as Record<string, unknown>)[event.key] : undefined;
  return own === key ? undefined : `its key is not the \`${event.key}\` of its payload`;
}
