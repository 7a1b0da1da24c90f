import type { NatsRecord } from '@nestjs/microservices';

/** The headers of a record as names and texts: of those of the NATS client, or of an object. */
export function headersOf({ headers }: NatsRecord<unknown, unknown>): Readonly<Record<string, string>> | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const entries: Iterable<readonly [unknown, unknown]> =
    Symbol.iterator in headers ? (headers as Iterable<readonly [unknown, unknown]>) : Object.entries(headers);
  return Object.fromEntries(
    // a header of NATS may have several values
    [...entries].map(([name, value]) => [String(name), Array.isArray(value) ? String(value[0]) : String(value)]),
  );
}
