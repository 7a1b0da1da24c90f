import { StartupError } from '@fledge/kit/contract';

const NAMESPACE = /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,39}$/;

/** The subjects of one namespace, which keeps two systems on one broker apart. */
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

  /** The subject of a message: `shop.inventory.reserve-stock.v1` for the wire name `inventory.reserve-stock.v1`. */
  message(wireName: string): string {
    return `${this.namespace}.${wireName}`;
  }

  /** All messages of a module. */
  module(module: string): string {
    return `${this.namespace}.${module}.>`;
  }

  /** The subject on which callers cancel calls; no module's name starts with an underscore. */
  cancellations(module: string): string {
    return `${this.namespace}._cancel.${module}`;
  }
}
