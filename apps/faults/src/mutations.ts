import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Area } from './plan/areas.js';

/** A change of one piece of the built code. */
export interface Edit {
  /** The end of the file's path. */
  readonly file: string;
  /** The original text, which must occur once. */
  readonly from: string;
  readonly to: string;
}

/** A change of the built code that breaks one of its promises. */
export interface Mutation {
  /** All of them are applied. */
  readonly edits: readonly Edit[];
  /** What it breaks; the phrase continues 'no longer …'. */
  readonly takesOut: string;
  /** The injury that reveals it. */
  readonly injure: Area;
  /** The message that must reveal it: a round that merely does not end is not enough. */
  readonly says: RegExp;
}

const SETTLED_BY_A_MEMBER = "i.message_id = any($2::uuid[]) and i.state in ('ready', 'parked') and ${isMember('$3')}";
const SETTLED_BY_ANYBODY = 'i.message_id = any($2::uuid[])';

/** The mutations by name. The lab is worth something only as long as it detects each of them. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'inbox-check': {
    edits: [
      {
        file: '/messaging/inbox/inbox.js',
        from: 'on conflict do nothing',
        to: "on conflict (consumer, message_id) do update set state = 'ready'",
      },
    ],
    takesOut: 'is a message handled once that comes again',
    injure: 'mixed',
    says: /handled message \S+ of \S+ \d+ times/,
  },
  'key-order': {
    edits: [
      {
        file: '/messaging/inbox/deliveries.js',
        from: 'order by r.position limit $5',
        to: 'order by md5(r.message_id::text) limit least(1, $5)',
      },
    ],
    takesOut: 'are the messages of a key handled in their order',
    injure: 'mixed',
    says: /, which \w+ published later|was accepted, and is/,
  },
  'idempotency-key': {
    edits: [
      {
        file: '/provider/http-provider.js',
        from: "'idempotency-key': idempotencyKey",
        to: "'idempotency-key': crypto.randomUUID()",
      },
    ],
    takesOut: 'does the provider know a request again that it has had',
    injure: 'mixed',
    says: /in the provider's book, \d+ in the ledger/,
  },
  'sent-mark': {
    edits: [
      {
        file: '/messaging/relay/relay.js',
        from: 'if (!accepted.has(message.id))',
        to: 'if (message.id === undefined)',
      },
    ],
    takesOut: 'is a message marked as sent only when the log has it',
    // a broker failure between two sends loses nothing: it must fail often to fail during one
    injure: 'broker',
    says: / never handled /,
  },
  'outbox-order': {
    edits: [
      {
        file: '/messaging/relay/relay.js',
        from: 'order by sent_at, seq limit $2',
        to: 'order by md5(id::text) limit least(1, $2)',
      },
    ],
    takesOut: 'does an outbox send the messages of a key in their order',
    injure: 'mixed',
    says: /, which \w+ published later|was accepted, and is/,
  },
  membership: {
    // also without the fence, which would hide it
    edits: [
      { file: '/messaging/replicas/assignment.js', from: 'if (winner.replica === replica)', to: 'if (winner.replica)' },
      {
        file: '/messaging/replicas/membership.js',
        from: '(part) => beat.others.every((other) =>',
        to: '(part) => beat.others.every((other) => true ||',
      },
      { file: '/messaging/inbox/deliveries.js', from: SETTLED_BY_A_MEMBER, to: SETTLED_BY_ANYBODY },
    ],
    takesOut: 'does a part of the work belong to one replica at a time',
    injure: 'replica',
    says: /was accepted, and is|handled message \S+ of \S+ \d+ times/,
  },
};

/** The modules to load before a service to apply a mutation; none without one. */
export function mutationPreload(name: string | undefined): string[] {
  return name === undefined ? [] : [new URL(`./agent/mutate.js?${name}`, import.meta.url).href];
}

/** What prevents an edit of a text: a sentence, or `undefined`. */
export function unfit({ file, from }: Edit, text: string): string | undefined {
  const times = text.split(from).length - 1;
  return times === 1 ? undefined : `${file} has not once but ${times} times what the mutation changes: ${from}`;
}

/** The edits of a mutation that no longer fit the code in `dist`, a sentence each. */
export async function unfitEdits({ edits }: Mutation, dist: string): Promise<string[]> {
  // published packages have their built files in separate folders, linked from here
  const folders = [
    dist,
    ...(await Promise.all(['libs/kit', 'libs/nats'].map((folder) => realpath(join(dist, folder))))),
  ];
  const files = (
    await Promise.all(
      folders.map(async (folder) => (await readdir(folder, { recursive: true })).map((file) => join(folder, file))),
    )
  ).flat();
  const told = edits.map(async (edit) => {
    const path = files.find((file) => file.endsWith(edit.file));
    return path === undefined ? `${edit.file} is not there` : unfit(edit, await readFile(path, 'utf8'));
  });
  return (await Promise.all(told)).filter((line) => line !== undefined);
}
