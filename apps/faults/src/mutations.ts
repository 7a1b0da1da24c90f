/** A change of the built code that takes a promise out of it. */
export interface Mutation {
  /** The end of the file's path. */
  readonly file: string;
  /** What stands there, once. */
  readonly from: string;
  readonly to: string;
  /** What it takes out: goes on after 'no longer'. */
  readonly takesOut: string;
}

/** The mutations by their names. The lab is worth something only as long as it finds out each of them. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'inbox-check': {
    file: '/messaging/inbox.js',
    from: 'on conflict do nothing',
    to: "on conflict (consumer, message_id) do update set state = 'ready'",
    takesOut: 'is a message handled once that comes again',
  },
  'key-order': {
    file: '/messaging/deliveries.js',
    from: 'order by r.position limit $5',
    to: 'order by md5(r.message_id::text) limit least(1, $5)',
    takesOut: 'are the messages of a key handled in their order',
  },
  'idempotency-key': {
    file: '/provider/http-provider.js',
    from: "'idempotency-key': idempotencyKey",
    to: "'idempotency-key': crypto.randomUUID()",
    takesOut: 'does the provider know a request again that it has had',
  },
  'sent-mark': {
    file: '/messaging/relay.js',
    from: 'rows.filter((row) => accepted.has(row.id))',
    to: 'rows',
    takesOut: 'is a message marked as sent only when the log has it',
  },
};

/** The modules to load before a service so that it runs with a mutation; none without one. */
export function mutationPreload(name: string | undefined): string[] {
  return name === undefined ? [] : [new URL(`./agent/mutate.js?${name}`, import.meta.url).href];
}
