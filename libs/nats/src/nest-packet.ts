/*
 * The answers for callers that are stock clients of Nest (`ClientProxy`, Transport.NATS), which take a body for a result
 * unless it is one of Nest's packets: an object with no keys but `id`, `err`, `response`, `isDisposed` and `status`.
 * `status`, which Nest makes little use of, carries the name of the message, so that the client knows its classes.
 */

/** The packets of a result: `body` is JSON, or empty where there is none. */
export function resultPackets(name: string, body: string): readonly string[] {
  // Nest's client takes the first for a value that is undefined, and the second for the end; an end alone has no value
  if (body === '') return ['{"isDisposed":false}', '{"isDisposed":true}'];
  return [`{"response":${body},"isDisposed":true,"status":${JSON.stringify(name)}}`];
}

/** The packet of a failure. */
export function errorPacket(body: string): string {
  return `{"err":${body},"isDisposed":true}`;
}
