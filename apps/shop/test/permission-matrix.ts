import { connect, nkeyAuthenticator, PermissionViolationError } from '@nats-io/transport-node';
import type { SystemGraph } from '@fledge/nats';

/** What a message or a subscription is for, and the user who may; everything that is not listed here is for nobody. */
export interface Attempt {
  readonly subject: string;
  readonly queue?: string;
  /** Whether the rules of the system, read from contracts and `uses`, allow it to a user. */
  isFor(user: string): boolean;
}

/** The rules, written down a second time: from what a module is, not from how its permissions are made. */
class Rules {
  readonly modules: readonly string[];
  constructor(readonly graph: SystemGraph) {
    this.modules = Object.keys(graph.uses);
  }
  /** Whether a user speaks for a module, or is the client of that name. */
  isOf(user: string, name: string): boolean {
    const { services, clients } = this.graph;
    return (
      services.find((service) => service.name === user)?.modules.includes(name) ?? (user === name && name in clients)
    );
  }
  isHost(user: string, module: string): boolean {
    return this.isService(user) && this.isOf(user, module);
  }
  isService(user: string): boolean {
    return this.graph.services.some(({ name }) => name === user);
  }
  uses(caller: string, module: string): boolean {
    return (this.graph.uses[caller] ?? this.graph.clients[caller] ?? []).includes(module);
  }
}

const NOBODY = (): boolean => false;
const OPERATOR = '_operator';

/** Every subject of a system on which somebody publishes, and those on which nobody may. */
export function publications(graph: SystemGraph, names: (module: string) => readonly string[]): Attempt[] {
  const rules = new Rules(graph);
  const { namespace: ns } = graph;
  const callers = [...rules.modules, ...Object.keys(graph.clients), OPERATOR, 'nats', 'stranger'];
  const attempts: Attempt[] = [];
  const add = (subject: string, isFor: (user: string) => boolean): void => void attempts.push({ subject, isFor });
  const stream = `${ns}-messages`;
  for (const module of rules.modules) {
    for (const name of [...names(module), `${module}._pattern.a`, `${module}._pattern.a.b`]) {
      add(`${ns}.${name}`, NOBODY);
      add(`${ns}._command.${name}`, NOBODY);
      if (!name.includes('_pattern')) add(`${ns}._event.${name}`, (user) => rules.isHost(user, module));
      for (const caller of callers) {
        const isCaller = (user: string): boolean => rules.isOf(user, caller) && rules.uses(caller, module);
        add(`${ns}.${name}.${caller}`, isCaller);
        if (name.includes('_pattern')) continue;
        add(
          `${ns}._command.${name}.${caller}`,
          (user) =>
            rules.isService(user) && rules.isOf(user, caller) && (caller === module || rules.uses(caller, module)),
        );
      }
    }
    for (const caller of callers)
      add(`${ns}._cancel.${module}.${caller}`, (user) => rules.isOf(user, caller) && rules.uses(caller, module));
    add(`${ns}._deliver.${module}`, NOBODY);
    add(`$JS.ACK.${stream}.${module}.1.2.3.4.5`, (user) => rules.isHost(user, module));
    add(`$JS.API.CONSUMER.INFO.${stream}.${module}`, (user) => user === OPERATOR || rules.isHost(user, module));
    for (const subject of [`${ns}._event.${module}.x.v1`, `${ns}._command.other.x.v1.${module}`])
      add(`$JS.API.DIRECT.GET.${stream}.${subject}`, (user) => user === OPERATOR || rules.isHost(user, module));
    for (const api of ['CONSUMER.MSG.NEXT', 'CONSUMER.CREATE', 'CONSUMER.DURABLE.CREATE', 'CONSUMER.DELETE'])
      add(`$JS.API.${api}.${stream}.${module}`, (user) => user === OPERATOR);
  }
  for (const caller of callers) {
    const isAnswerer = (user: string): boolean =>
      rules.isService(user) &&
      (caller === OPERATOR || rules.modules.some((module) => rules.isOf(user, module) && rules.uses(caller, module)));
    add(`_INBOX.${ns}.${caller}.a.b`, isAnswerer);
  }
  for (const user of [...graph.services.map(({ name }) => name), ...Object.keys(graph.clients), OPERATOR])
    add(`_INBOX.${ns}._service.${user}.a.b`, (other) => other === user);
  for (const api of ['INFO', `STREAM.INFO.${stream}`])
    add(`$JS.API.${api}`, (user) => user === OPERATOR || rules.isService(user));
  for (const api of ['CREATE', 'UPDATE', 'DELETE', 'PURGE', 'MSG.GET', 'MSG.DELETE', 'SNAPSHOT', 'RESTORE'])
    add(`$JS.API.STREAM.${api}.${stream}`, (user) => user === OPERATOR);
  for (const api of [`CONSUMER.CREATE.${stream}`, `CONSUMER.LIST.${stream}`, `DIRECT.GET.${stream}`, 'STREAM.NAMES'])
    add(`$JS.API.${api}`, (user) => user === OPERATOR);
  for (const verb of ['PING', 'INFO', 'STATS']) add(`$SRV.${verb}`, (user) => user === OPERATOR);
  for (const subject of ['_INBOX.x.1', 'anything', `${ns}.unknown.x.v1.nats`, '$SYS.REQ.SERVER.PING'])
    add(subject, NOBODY);
  return attempts;
}

/** Every subscription of a system that somebody makes, and those that nobody may. */
export function subscriptions(graph: SystemGraph): Attempt[] {
  const rules = new Rules(graph);
  const { namespace: ns } = graph;
  const attempts: Attempt[] = [];
  const add = (subject: string, isFor: (user: string) => boolean, queue?: string): void =>
    void attempts.push({ subject, isFor, ...(queue !== undefined && { queue }) });
  for (const module of rules.modules) {
    const isHost = (user: string): boolean => rules.isHost(user, module);
    add(`${ns}.${module}.>`, isHost, module);
    // without the queue it would get a copy of each call
    add(`${ns}.${module}.>`, NOBODY);
    add(`${ns}.${module}.>`, NOBODY, 'other');
    add(`${ns}._cancel.${module}.*`, isHost);
    add(`${ns}._deliver.${module}`, isHost);
    for (const verb of ['PING', 'INFO', 'STATS']) {
      add(`$SRV.${verb}.${module}`, isHost);
      add(`$SRV.${verb}.${module}.x`, isHost);
    }
    for (const kind of ['_event', '_command']) add(`${ns}.${kind}.${module}.>`, NOBODY);
  }
  for (const caller of [...rules.modules, ...Object.keys(graph.clients), OPERATOR, 'nats'])
    add(`_INBOX.${ns}.${caller}.x.*`, (user) => rules.isOf(user, caller) || (user === OPERATOR && user === caller));
  for (const user of [...graph.services.map(({ name }) => name), ...Object.keys(graph.clients), OPERATOR])
    add(`_INBOX.${ns}._service.${user}.x.*`, (other) => other === user);
  for (const verb of ['PING', 'INFO', 'STATS']) add(`$SRV.${verb}`, (user) => rules.isService(user));
  for (const subject of ['>', '*', `${ns}.>`, '_INBOX.>', `_INBOX.${ns}.>`, '$SRV.>', '$JS.>', `$JS.API.>`, '$SYS.>'])
    add(subject, NOBODY);
  return attempts;
}

/**
 * Tries everything as one user on a real server.
 * @returns what the server decided otherwise than the rules say, a line for each.
 */
export async function tryAll(
  url: string,
  user: string,
  seed: string,
  attempts: { readonly publish: readonly Attempt[]; readonly subscribe: readonly Attempt[] },
): Promise<readonly string[]> {
  const connection = await connect({
    servers: url,
    authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
    inboxPrefix: `_INBOX.unused.${user}`,
    reconnect: false,
  });
  const denied = new Set<string>();
  const watching = (async () => {
    for await (const status of connection.status())
      if (status.type === 'error' && status.error instanceof PermissionViolationError) {
        const { operation, subject, queue = '' } = status.error;
        denied.add(`${operation} ${subject} ${operation === 'publish' ? '' : queue}`);
      }
  })();
  for (const { subject } of attempts.publish) connection.publish(subject, '');
  for (const { subject, queue } of attempts.subscribe)
    connection.subscribe(subject, { ...(queue !== undefined && { queue }), callback: () => undefined });
  // the server reports what it denies before it answers this
  await connection.flush();
  await connection.close();
  await watching;
  return [
    ...attempts.publish.map((attempt) => ({ ...attempt, operation: 'publish' })),
    ...attempts.subscribe.map((attempt) => ({ ...attempt, operation: 'subscription' })),
  ].flatMap(({ operation, subject, queue = '', isFor }) => {
    const isDenied = denied.has(`${operation} ${subject} ${queue}`);
    if (isDenied !== isFor(user)) return [];
    return [`${user}: ${operation} ${subject} ${queue} is ${isDenied ? 'denied' : 'allowed'}`];
  });
}
