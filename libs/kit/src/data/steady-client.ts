import { Client } from 'pg';

/**
 * A connection whose loss fails its queries and nothing else. pg tells of it by an 'error' event, which ends the
 * process when nobody listens, and a pool's client has moments without a listener: pg-pool takes its own off when it
 * gives a client out, TypeORM puts its own on a turn later. What the server sends in between (a `FATAL` right behind
 * its `ReadyForQuery`) would end the process. This one listens from its construction to its end.
 */
export class SteadyClient extends Client {
  constructor(...config: ConstructorParameters<typeof Client>) {
    super(...config);
    // what waits on it is failed by pg itself, and a pool drops a client that can take no queries
    this.on('error', () => undefined);
  }
}
