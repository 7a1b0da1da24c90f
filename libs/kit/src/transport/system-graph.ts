import type { Deployment } from './message-log.js';

/**
 * Who may talk to whom in a system, as its contracts, its modules' `uses` and a topology say: what the permissions of a
 * broker are made of.
 */
export interface SystemGraph {
  readonly namespace: string;
  /** The deployment that the stream must belong to. Default: it is not checked. */
  readonly deployment?: Deployment | undefined;
  /** Which service hosts which modules. */
  readonly services: readonly { readonly name: string; readonly modules: readonly string[] }[];
  /** By module: the modules whose contracts are in its `uses`. */
  readonly uses: Readonly<Record<string, readonly string[]>>;
  /** By client that is no module: the modules that it may call. */
  readonly clients: Readonly<Record<string, readonly string[]>>;
}

/** What an operator does to a broker: `keys`, `config` or `provision`. */
export type NatsVerb = 'keys' | 'config' | 'provision';
