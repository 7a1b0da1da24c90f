import type { Point } from '../agent/orders.js';
import type { ServerName } from '../machine/lines.js';
import type { Way } from '../machine/proxy.js';

/** An injury of a proxy of one replica. */
export type LineInjury = 'refuse' | 'slow' | Way;

/** An injury of the running shop, and its time after the first order. */
export type Injury = { readonly atMs: number } & (
  | { readonly what: 'kill-at'; readonly service: number; readonly point: Point; readonly after: number }
  | { readonly what: 'freeze-at'; readonly service: number; readonly point: Point; readonly after: number }
  | { readonly what: 'kill'; readonly service: number }
  | { readonly what: 'freeze'; readonly service: number; readonly forMs: number }
  | { readonly what: 'conflicts'; readonly service: number; readonly times: number }
  | { readonly what: 'lost-commits'; readonly service: number; readonly times: number }
  | { readonly what: 'exhaust-pools'; readonly service: number; readonly forMs: number }
  | { readonly what: 'database-restart'; readonly forMs: number }
  | { readonly what: 'broker-restart'; readonly forMs: number }
  | { readonly what: 'broker-wipe'; readonly forMs: number }
  | { readonly what: 'broker-freeze'; readonly forMs: number }
  | { readonly what: 'line-cut'; readonly line: ServerName }
  | { readonly what: 'line-refuse'; readonly line: ServerName; readonly forMs: number }
  | { readonly what: 'line-slow'; readonly line: ServerName; readonly delayMs: number; readonly forMs: number }
  /** One replica's proxy to one server: the others keep theirs. */
  | {
      readonly what: 'replica-line';
      readonly service: number;
      readonly line: ServerName;
      readonly how: LineInjury;
      readonly forMs: number;
      readonly leastMs: number;
    }
  /** A freeze that outlasts every time-out. */
  | { readonly what: 'long-freeze'; readonly service: number; readonly forMs: number; readonly leastMs: number }
  /**
   * The broker is killed, together with the replicas of `writer`'s service, the only ones that still reached it, and
   * the newest messages are cut off.
   */
  | {
      readonly what: 'broker-tail';
      readonly writer: number;
      readonly newest: number;
      readonly unreadMs: number;
      readonly forMs: number;
    }
  /** The clock of the database, or of the processes of one replica, is set. */
  | { readonly what: 'clock-step'; readonly of: 'database' | number; readonly byMs: number }
  /** From now on the process that writes a row for one order into this table ends. */
  | { readonly what: 'poison'; readonly table: string; readonly order: number }
  /** The server ends connections of services: single ones, or all at once. */
  | {
      readonly what: 'sessions-end';
      readonly every: boolean;
      readonly times: number;
      readonly pauseMs: number;
      readonly seed: number;
    }
  /** Three times the requests that the shop can answer. */
  | { readonly what: 'overload'; readonly forMs: number }
  | { readonly what: 'disk-full'; readonly forMs: number }
  /** Another topology is started beside the first, takes over, and hands back, all live. */
  | { readonly what: 'resplit'; readonly besideMs: number; readonly leastMs: number }
);
