import { StartupError } from '@fledge/kit/contract';

const NAMESPACE = /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,39}$/;

/**
 * The subjects of one namespace, which keeps two systems on one broker apart. Each names who sends or who receives, so
 * that permissions of the broker can say who may do what; no module's name starts with an underscore.
 */
export class Subjects {
  constructor(readonly namespace: string) {
    if (!NAMESPACE.test(namespace)) {
      throw new StartupError(
        'namespace',
        `'${namespace}' is not a valid namespace`,
        'Use at most 40 letters, digits, hyphens and underscores.',
      );
    }
  }

  /** The subject of a message without its caller: `shop.inventory.reserve-stock.v1`. */
  message(wireName: string): string {
    return `${this.namespace}.${wireName}`;
  }

  /** The subject of a call: `shop.inventory.reserve-stock.v1.ordering`. */
  call(wireName: string, caller: string): string {
    return `${this.namespace}.${wireName}.${caller}`;
  }

  /** All calls of a module. */
  module(module: string): string {
    return `${this.namespace}.${module}.>`;
  }

  /** The subject on which a caller cancels its calls of a module; `*` for all callers. */
  cancellations(module: string, caller: string): string {
    return `${this.namespace}._cancel.${module}.${caller}`;
  }

  /** Where the answers for a caller arrive: each process adds an unguessable part. */
  inbox(caller: string): string {
    return `${inboxesOf(this.namespace)}${caller}`;
  }

  /** Where answers of the broker itself arrive, which no service may write to. */
  ownInbox(service: string): string {
    return `${inboxesOf(this.namespace)}_service.${service}`;
  }
}

/** How the subjects begin at which any NATS client receives answers. */
export const INBOXES = '_INBOX.';

/** How the inboxes of all callers in a namespace begin. */
export function inboxesOf(namespace: string): string {
  return `${INBOXES}${namespace}.`;
}
