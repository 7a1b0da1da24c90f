import { FledgeError } from '@fledge/kit/contract';
import { actingAs } from '@fledge/kit/testing';
import { CommandBus, type ICommand, QueryBus } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import { CONTRACT_MESSAGES, MESSAGES } from './messages.js';
import { ROUTES } from './routes.js';
import { type Actor, ACTORS, CALLERS, type ShopOfAll } from './shop-of-all.js';
import { markdownTable } from './table.js';

/** An answer to an actor. */
export interface Seen {
  readonly route: string;
  readonly actor: Actor;
  readonly status: number;
  /** As text: the mailbox answers pages. */
  readonly body: string;
}

/** What was answered, and what somebody was told that belongs to the buyer. */
export interface Walked {
  readonly table: string;
  readonly leaks: readonly string[];
  readonly seen: readonly Seen[];
}

/** Sends each request as each actor. */
export async function walkRoutes(world: ShopOfAll): Promise<Walked> {
  const leaks: string[] = [];
  const seen: Seen[] = [];
  const rows: string[][] = [];
  for (const [route, { request, cart, tellsAll }] of Object.entries(ROUTES)) {
    const answers: string[] = [];
    for (const actor of ACTORS) {
      const token = world.token(actor);
      const isUser = token !== undefined && actor !== 'forger';
      if (cart && isUser) await fillCart(world, token);
      const { status, body } = await send(world, route, actor, request(world, actor));
      answers.push(String(status));
      seen.push({ route, actor, status, body });
      // a refusal repeats what was asked for
      if (status < 400 && !tellsAll && ['nobody', 'forger', 'other buyer'].includes(actor))
        for (const secret of world.secrets) if (body.includes(secret)) leaks.push(`${route} tells ${actor} ${secret}`);
    }
    rows.push([`\`${route}\``, ...answers]);
  }
  return { table: markdownTable(['route', ...ACTORS], rows), leaks, seen };
}

async function fillCart(world: ShopOfAll, token: string): Promise<void> {
  const { productId } = world;
  await world.http.expect(201, 'POST', '/cart/items', { token, body: { productId, quantity: 1 } });
}

/** Sends a request as an actor. */
export async function send(
  world: ShopOfAll,
  route: string,
  actor: Actor,
  { path, body, headers }: { path: string; body?: object; headers?: Readonly<Record<string, string>> },
): Promise<Pick<Seen, 'status' | 'body'>> {
  const [method = ''] = route.split(' ');
  const token = world.token(actor);
  const response = await fetch(`${world.app.url}${path}`, {
    method,
    headers: {
      ...(method === 'POST' && { 'idempotency-key': randomUUID() }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.text() };
}

/**
 * Sends each message from each module, on behalf of somebody who may: `yes`, or why not. A module's own messages cross
 * no boundary.
 */
export async function walkCallers(world: ShopOfAll): Promise<string> {
  const may = {
    ...world.identity('buyer'),
    subject: world.identity('buyer')?.subject ?? '',
    roles: ['buyer', 'staff'],
  };
  const rows: string[][] = [];
  for (const { module, name, kind, cls } of CONTRACT_MESSAGES) {
    const answers: string[] = [];
    for (const caller of CALLERS) {
      if (caller === module) answers.push('own');
      else {
        const outcome = await outcomeOf(actingAs(may, () => execute(world, caller, kind, MESSAGES.get(cls)?.(world))));
        answers.push(NOT_THIS_CALLER.includes(outcome) ? 'no' : 'yes');
      }
    }
    rows.push([`\`${name}\``, ...answers]);
  }
  return markdownTable(['message', ...CALLERS], rows);
}

const NOT_THIS_CALLER: readonly string[] = ['undeclared-dependency', 'access-denied: caller'];

/** Sends each message on behalf of each actor, from a module that may. */
export async function walkUsers(world: ShopOfAll): Promise<string> {
  const actors = ACTORS.filter((actor) => actor !== 'forger');
  const rows: string[][] = [];
  for (const { name, kind, cls, callers } of CONTRACT_MESSAGES) {
    // the first module that its contract names; else the stranger, who names every contract
    const caller = callers?.[0] ?? 'stranger';
    const answers: string[] = [];
    for (const actor of actors) {
      const sample = MESSAGES.get(cls)?.(world);
      answers.push(await outcomeOf(actingAs(world.identity(actor), () => execute(world, caller, kind, sample))));
    }
    rows.push([`\`${name}\``, ...answers]);
  }
  return markdownTable(['message', ...actors], rows);
}

function execute(world: ShopOfAll, caller: string, kind: 'command' | 'query', message: object | undefined) {
  if (message === undefined) throw new Error('a message has no sample');
  const bus = world.app.get<{ execute(message: ICommand): Promise<unknown> }>(
    caller,
    kind === 'command' ? CommandBus : QueryBus,
  );
  return bus.execute(message);
}

/** `ok`, or the last part of the error's code; of a denial, its reason. */
async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    if (!(error instanceof FledgeError)) throw error;
    const name = error.code.replace(/^[^.]+\.|\.v\d+$/g, '');
    return name === 'access-denied' ? `${name}: ${String(error.data.reason)}` : name;
  }
}
