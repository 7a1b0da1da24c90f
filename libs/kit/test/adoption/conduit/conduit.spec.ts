import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { frontDoor } from '@fledge/cli/front-door';
import { Host, LocalTransport, type Transport } from '@fledge/kit';
import { freshDatabase, testNatsUrl } from '@fledge/kit/testing';
import { NatsTransport } from '@fledge/nats';
import { conduit } from './after/app.module.js';
import { AppModule } from './before/app.module.js';
import { configure } from './after/configure.js';
import { configure as configurePlain } from './before/configure.js';
import { linesAdded } from '../lines-added.js';
import { COLLECTION, type Step } from './collection/index.js';

/** Takes what ends what a start has opened; the last is called first. */
type Open = (close: () => Promise<unknown>) => void;

/** Starts the application in some way; resolves with its origin. */
type Start = (open: Open) => Promise<string>;

/** As `before/main.ts` starts it. */
const plainNest: Start = async (open) => {
  const database = await freshDatabase();
  open(() => database.drop());
  process.env.DATABASE_URL = database.url;
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), { logger: false });
  open(() => app.close());
  configurePlain(app);
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
};

/** As `after/main.ts` starts it, each group of modules as a service, behind the front door of `fledge start`. */
function kit(services: readonly (readonly string[])[], transport: () => Transport): Start {
  return async (open) => {
    const database = await freshDatabase();
    open(() => database.drop());
    const targets: [origin: string, routes: string[]][] = [];
    for (const modules of services) {
      const host = new Host({
        application: { ...conduit, nest: { beforeInit: configure } },
        modules,
        transport: transport(),
        database: { url: database.url, poolMax: 4 },
        http: { port: 0 },
      });
      open(() => host.close());
      await host.start();
      const routes = conduit.modules.flatMap(({ contract }) =>
        modules.includes(contract.name) ? contract.routes : [],
      );
      targets.push([`http://127.0.0.1:${host.port}`, routes]);
    }
    const door = await frontDoor({ port: 0 });
    open(() => door.close());
    for (const [origin, routes] of targets) door.add(origin, routes);
    await door.whenReady(20_000);
    return `http://127.0.0.1:${door.port}`;
  };
}

const SERVICES = [['users', 'profiles'], ['articles', 'tags'], ['comments']];

const namespace = `conduit${randomBytes(5).toString('hex')}`;

const worlds: readonly [string, Start][] = [
  ['before, with plain Nest', plainNest],
  ['after, in one process', kit([SERVICES.flat()], () => new LocalTransport())],
  ['after, in three services over NATS', kit(SERVICES, () => new NatsTransport({ url: testNatsUrl(), namespace }))],
];

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Headers that a client of the application may look at. */
const HEADERS = ['content-type', 'access-control-allow-origin', 'access-control-allow-methods', 'vary', 'allow'];

/** A client that remembers the token of each user who registers or logs in. */
class Client {
  private readonly tokens = new Map<string, string>();

  constructor(private readonly origin: string) {}

  async ask({ method, path, as, headers, body }: Step): Promise<Answer> {
    const response = await fetch(`${this.origin}/api${path}`, {
      method,
      headers: {
        ...(as !== undefined && { authorization: `Token ${this.tokens.get(as)}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: typeof body === 'object' ? JSON.stringify(body) : body,
    });
    const text = await response.text();
    const answer = {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
    const { username, token } = (answer.body as { user?: { username: string; token: string } } | undefined)?.user ?? {};
    if (username !== undefined && token !== undefined) this.tokens.set(username, token);
    return answer;
  }
}

/** What stands at a path of a body: `articles.0.slug`; the whole body for an empty path. */
function at(body: unknown, path: string): unknown {
  return path === ''
    ? body
    : path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], body);
}

/** What must be the same wherever the modules run: all but dates and tokens. */
function comparable({ status, headers, body }: Answer): unknown {
  const text = JSON.stringify(body, (key, value: unknown) =>
    ['token', 'createdAt', 'updatedAt'].includes(key) && typeof value === 'string' ? `a ${key}` : value,
  );
  return { status, headers: HEADERS.map((name) => [name, headers.get(name)]), body: text };
}

/** By the name of the world, the answers to the whole collection. */
const answers = new Map<string, unknown[]>();

describe.each(worlds)('the application %s', (name, start) => {
  const given: unknown[] = [];
  const opened: (() => Promise<unknown>)[] = [];
  let client: Client;

  beforeAll(async () => {
    answers.set(name, given);
    client = new Client(await start((close) => opened.unshift(close)));
  });
  afterAll(async () => {
    for (const close of opened) await close();
  });

  it.each(COLLECTION.map((step) => [step.method, step.path, step.name, step] as const))(
    '%s %s %s',
    async (_method, _path, _name, step) => {
      const answer = await client.ask(step);
      given.push(comparable(answer));
      // in one object, so that a difference shows the whole answer
      expect({
        status: answer.status,
        is: Object.fromEntries(Object.keys(step.is ?? {}).map((path) => [path, at(answer.body, path)])),
        has: Object.fromEntries(Object.keys(step.has ?? {}).map((header) => [header, answer.headers.get(header)])),
      }).toEqual({ status: step.status, is: step.is ?? {}, has: step.has ?? {} });
    },
  );
});

describe('the collection', () => {
  it('asserts as much as the public ones of RealWorld', () => {
    const assertions = COLLECTION.map(({ is = {}, has = {} }) => 1 + Object.keys(is).length + Object.keys(has).length);
    expect(assertions.reduce((sum, count) => sum + count)).toBe(291);
  });

  it.each(worlds.slice(1))('is answered %s as by plain Nest', (name) => {
    const [before] = worlds[0] as [string, unknown];
    expect(answers.get(before)).toHaveLength(COLLECTION.length);
    expect(answers.get(name)).toEqual(answers.get(before));
  });
});

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

/** Added or changed lines of a module, or of the files beside the modules, without contracts. */
function changedIn(folder: string): number {
  return sum(linesAdded(FOLDER), (path) => dirname(path) === folder);
}

function contractOf(module: string): number {
  return sum(linesAdded(FOLDER), (path) => dirname(path) === `${module}/contract`);
}

function sum(lines: ReadonlyMap<string, number>, has: (path: string) => boolean): number {
  return [...lines].reduce((total, [path, added]) => (has(path) ? total + added : total), 0);
}

describe('the cost of the change, in lines added or changed,', () => {
  it.each([
    ['users', 'none', 19, 20],
    ['tags', 'none', 9, 20],
    ['profiles', 'one', 18, 20],
    ['comments', 'two', 17, 20],
    ['articles', 'three', 30, 30],
  ])('of the module %s, which uses %s, is %d', (module, _uses, lines, most) => {
    expect(changedIn(module)).toBe(lines);
    expect(lines).toBeLessThanOrEqual(most);
  });

  it('is 10 once for the application', () => {
    expect(changedIn('.')).toBe(10);
  });

  it('is a contract for each module besides', () => {
    const modules = ['users', 'tags', 'profiles', 'comments', 'articles'];
    expect(modules.map(contractOf)).toEqual([34, 14, 45, 3, 19]);
  });

  it('is nothing more', () => {
    const touched = new Set([...linesAdded(FOLDER).keys()].map((path) => dirname(path).replace('/contract', '')));
    expect([...touched].sort()).toEqual(['.', 'articles', 'comments', 'profiles', 'tags', 'users']);
  });
});
