import type { SystemGraph } from '@fledge/kit/transport';
import { consumerName, deliverySubject, logSubject, streamName } from '../jetstream/names.js';
import { Subjects } from '../subjects.js';
import { callersOf, OPERATOR } from './system-graph.js';

/** What a user may do; everything else is denied. Subjects, and for `subscribe` with their queue if it has one. */
export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** The parts that a pattern of Nest may have, separated by dots: `stock.count` has two. */
const PATTERN_PARTS_MAX = 4;

/**
 * The permissions of each user: exactly the edges of the graph. Answers are not permitted by `allow_responses`, which
 * lets whoever asks name any subject for the answer, but by the inboxes of those who may call.
 */
export function permissionsOf(graph: SystemGraph): ReadonlyMap<string, Permissions> {
  const users = new Map<string, Permissions>();
  for (const { name, modules } of graph.services) users.set(name, sorted(ofService(name, modules, graph)));
  for (const [name, uses] of Object.entries(graph.clients)) users.set(name, sorted(ofClient(name, uses, graph)));
  users.set(OPERATOR, sorted(ofOperator(graph)));
  return users;
}

function ofService(service: string, modules: readonly string[], graph: SystemGraph): Permissions {
  const subjects = new Subjects(graph.namespace);
  const stream = streamName(graph.namespace);
  const own = `${subjects.ownInbox(service)}.>`;
  const publish = [own, '$JS.API.INFO', `$JS.API.STREAM.INFO.${stream}`];
  const subscribe = [own, '$SRV.PING', '$SRV.INFO', '$SRV.STATS'];
  for (const module of modules) {
    const uses = graph.uses[module] ?? [];
    for (const used of uses) publish.push(...callsOf(subjects, module, used));
    // a process may send commands to its own module, too
    for (const target of [module, ...uses])
      publish.push(logSubject(graph.namespace, 'command', `${target}.*.*`, module));
    for (const caller of [...callersOf(module, graph), OPERATOR]) publish.push(`${subjects.inbox(caller)}.>`);
    const events = logSubject(graph.namespace, 'event', `${module}.*.*`);
    const consumer = `${stream}.${consumerName(module)}`;
    publish.push(
      events,
      `$JS.API.CONSUMER.INFO.${consumer}`,
      `$JS.ACK.${consumer}.>`,
      // the last message on a subject that this module writes: whether the stream still has it
      `$JS.API.DIRECT.GET.${stream}.${events}`,
      `$JS.API.DIRECT.GET.${stream}.${logSubject(graph.namespace, 'command', '*.*.*', module)}`,
    );
    subscribe.push(`${subjects.module(module)} ${module}`, subjects.cancellations(module, '*'));
    subscribe.push(`${subjects.inbox(module)}.>`, deliverySubject(graph.namespace, module));
    for (const verb of ['PING', 'INFO', 'STATS']) subscribe.push(`$SRV.${verb}.${module}`, `$SRV.${verb}.${module}.*`);
  }
  return { publish, subscribe };
}

function ofClient(client: string, uses: readonly string[], { namespace }: SystemGraph): Permissions {
  const subjects = new Subjects(namespace);
  const own = `${subjects.ownInbox(client)}.>`;
  return {
    publish: [own, ...uses.flatMap((used) => callsOf(subjects, client, used))],
    subscribe: [own, `${subjects.inbox(client)}.>`],
  };
}

/** The JetStream of the account, and the services' own reports; no call, no event, no command. */
function ofOperator({ namespace }: SystemGraph): Permissions {
  const subjects = new Subjects(namespace);
  const own = `${subjects.ownInbox(OPERATOR)}.>`;
  return {
    publish: [own, '$JS.API.>', '$SRV.>'],
    subscribe: [own, `${subjects.inbox(OPERATOR)}.>`],
  };
}

function callsOf(subjects: Subjects, caller: string, used: string): string[] {
  const patterns = Array.from(
    { length: PATTERN_PARTS_MAX },
    (_, i) => `${used}._pattern.${Array.from({ length: i + 1 }, () => '*').join('.')}`,
  );
  // a message has two parts after its module, the last of which is its version
  return [
    ...[`${used}.*.*`, ...patterns.slice(1)].map((name) => subjects.call(name, caller)),
    subjects.cancellations(used, caller),
  ];
}

function sorted({ publish, subscribe }: Permissions): Permissions {
  return { publish: unique(publish), subscribe: unique(subscribe) };
}

function unique(subjects: readonly string[]): string[] {
  return [...new Set(subjects)].toSorted();
}
