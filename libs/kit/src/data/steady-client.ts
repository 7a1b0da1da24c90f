import { Client } from 'pg';

/**
 * A connection whose loss fails only its queries. pg reports the loss by an 'error' event, which ends the process if
 * nobody listens. A pool's client has moments without a listener: pg-pool removes its own when it hands a client out,
 * and TypeORM adds one a turn later. An error that the server sends in between (a `FATAL` right after its
 * `ReadyForQuery`) would end the process. This client listens from construction to end.
 */
export class SteadyClient extends Client {
  constructor(...config: ConstructorParameters<typeof Client>) {
    super(...config);
    // pg itself fails the pending queries, and a pool drops a client that cannot take queries
    this.on('error', () => undefined);
  }
}
