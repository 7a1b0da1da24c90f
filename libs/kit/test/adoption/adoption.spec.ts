import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { freshDatabase, type FreshDatabase, testApplication, type TestedApplication } from '@fledge/kit/testing';
import request from 'supertest';
import { BooksService } from './after/books/books.service.js';
import { library } from './after/library.application.js';
import { AppModule } from './before/app.module.js';

/** The library's app, started in some way. */
interface World {
  readonly origin: string;
  stop(): Promise<void>;
}

/** As `before/main.ts` starts it. */
async function plainNest(databaseUrl: string): Promise<World> {
  process.env.DATABASE_URL = databaseUrl;
  const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }));
  await app.listen(0, '127.0.0.1');
  return { origin: await app.getUrl(), stop: () => app.close() };
}

const ONE_PROCESS = { services: { library: { modules: ['books', 'app'] } } };
const SERVICES = { transport: 'nats', services: { books: { modules: ['books'] }, library: { modules: ['app'] } } };

/** As `after/main.ts` starts it with a topology file. */
const kit =
  (topology: typeof ONE_PROCESS | typeof SERVICES) =>
  async (url: string): Promise<World> => {
    const app = await testApplication(library, { topology, database: { url } }).start();
    return { origin: app.url, stop: () => app.close() };
  };

const worlds: readonly [string, (databaseUrl: string) => Promise<World>][] = [
  ['before, with plain Nest', plainNest],
  ['after, with the kit', kit(ONE_PROCESS)],
  ['after, with the kit, as services', kit(SERVICES)],
];

describe.each(worlds)('the library %s', (_, start) => {
  let database: FreshDatabase;
  let world: World;

  beforeAll(async () => {
    database = await freshDatabase();
    world = await start(database.url);
  });
  afterAll(async () => {
    await world?.stop();
    await database?.drop();
  });

  const http = async (method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`${world.origin}${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };

  it('manages books and lends them', async () => {
    const emma = { id: 1, title: 'Emma', copies: 1 };
    expect(await http('POST', '/books', { title: 'Emma', copies: 1 })).toEqual({ status: 201, body: emma });
    expect(await http('GET', '/books/1')).toEqual({ status: 200, body: emma });
    expect(await http('POST', '/loans', { bookId: 1, reader: 'Ada' })).toEqual({
      status: 201,
      body: { id: 1, reader: 'Ada', title: 'Emma' },
    });
    expect(await http('POST', '/loans', { bookId: 1, reader: 'Bob' })).toMatchObject({ status: 409 });
    expect(await http('GET', '/loans')).toEqual({ status: 200, body: [{ id: 1, reader: 'Ada', title: 'Emma' }] });
  });

  it('refuses invalid requests, with the same status', async () => {
    expect(await http('GET', '/books/99')).toMatchObject({ status: 404 });
    expect(await http('GET', '/books/x')).toMatchObject({ status: 400 });
    expect(await http('POST', '/loans', { bookId: 99, reader: 'Ada' })).toMatchObject({ status: 404 });
    expect(await http('POST', '/books', { title: '', copies: 1 })).toMatchObject({ status: 400 });
    expect(await http('POST', '/books', { title: 'Emma', copies: 1, shelf: 3 })).toMatchObject({ status: 400 });
  });
});

describe.each([ONE_PROCESS, SERVICES])('a test of the library that replaces a service, in $services', (topology) => {
  let app: TestedApplication;

  beforeAll(async () => {
    app = await testApplication(library, { topology })
      .overrideProvider(BooksService)
      .useValue({ find: () => [{ id: 1, title: 'Emma', copies: 1 }] })
      .start();
  }, 60_000);
  afterAll(() => app?.close());

  it('lends a book', async () => {
    const { body } = await request(app.getHttpServer()).post('/loans').send({ bookId: 1, reader: 'Ada' }).expect(201);
    expect(body).toEqual({ id: 1, reader: 'Ada', title: 'Emma' });
  });
});

/** The guide's SQL: for the books as it stands there, and the same for the loans. */
function movingSql(): string {
  const guide = readFileSync(fileURLToPath(new URL('../../docs/guides/adopting.md', import.meta.url)), 'utf8');
  const books = /```sql\n([^]*?)```/.exec(guide)?.[1] ?? '';
  const app = books
    .replaceAll('fledge_books', 'fledge_app')
    .replaceAll('books', 'app')
    .replaceAll('.book ', '.loan ')
    .replace("1700000000000, 'CreateBooks1700000000000'", "1700000000001, 'CreateLoans1700000000001'");
  // roles belong to the whole server, and specs share them
  return (books + app).replace(
    /create role (\w+) nologin;/g,
    "do 'begin create role $1 nologin; exception when duplicate_object then null; end';",
  );
}

describe('the data of the library', () => {
  it('is there after the move that the guide describes', async () => {
    const database = await freshDatabase();
    try {
      const post = (world: World, path: string, body: object): Promise<Response> =>
        fetch(`${world.origin}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
      const before = await plainNest(database.url);
      await post(before, '/books', { title: 'Emma', copies: 1 });
      await post(before, '/loans', { bookId: 1, reader: 'Ada' });
      await before.stop();
      const client = new Client({ connectionString: database.url });
      await client.connect();
      await client.query(movingSql());
      await client.end();
      const after = await kit(ONE_PROCESS)(database.url);
      expect(await (await fetch(`${after.origin}/loans`)).json()).toEqual([{ id: 1, reader: 'Ada', title: 'Emma' }]);
      expect((await post(after, '/books', { title: 'Persuasion', copies: 2 })).status).toBe(201);
      await after.stop();
    } finally {
      await database.drop();
    }
  });
});

/** Added or changed lines per file between `before/` and `after/`, as `git diff --numstat` counts them. */
function addedLines(): Map<string, number> {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  // Exit code 1 means that they differ.
  const diff = ((): string => {
    try {
      return execFileSync('git', ['diff', '--no-index', '--no-renames', '--numstat', 'before', 'after'], {
        cwd: folder,
        encoding: 'utf8',
      });
    } catch (error) {
      return (error as { stdout: string }).stdout;
    }
  })();
  return new Map(
    diff
      .trim()
      .split('\n')
      .map((line) => {
        const [added, , path] = line.split('\t') as [string, string, string];
        return [path.replace(/\{before => after\}\/|.*=> after\//, ''), Number(added)];
      }),
  );
}

describe('the cost of the change', () => {
  const added = addedLines();
  const sum = (...files: string[]): number => files.reduce((total, file) => total + (added.get(file) ?? NaN), 0);

  it('is at most 20 added or changed lines in the feature module and in the module that calls it', () => {
    const changed = sum('books/books.module.ts', 'loans/loans.module.ts', 'loans/loans.service.ts');
    expect(changed).toBeLessThanOrEqual(20);
    expect(changed).toBe(14);
  });

  it('also includes the contract with its handler, and once per application its module list and its start', () => {
    expect(sum('books/contract/index.ts', 'books/find-books.handler.ts')).toBe(32);
    expect(sum('app.contract.ts', 'app.module.ts', 'library.application.ts', 'main.ts')).toBe(25);
    expect(added.size).toBe(9);
  });
});
