import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Host, LocalTransport } from '@fledge/kit';
import { freshDatabase, type FreshDatabase } from '@fledge/kit/testing';
import { library } from './after/library.application.js';
import { AppModule } from './before/app.module.js';
import { linesAdded } from './lines-added.js';

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

/** As `after/main.ts` starts it with all modules in one process. */
async function kit(databaseUrl: string): Promise<World> {
  const host = await new Host({
    application: library,
    modules: library.modules.map(({ contract }) => contract.name),
    transport: new LocalTransport(),
    database: { url: databaseUrl },
    http: { port: 0 },
  }).start();
  return { origin: `http://127.0.0.1:${host.port}`, stop: () => host.close() };
}

const worlds: readonly [string, (databaseUrl: string) => Promise<World>][] = [
  ['before, with plain Nest', plainNest],
  ['after, with the kit', kit],
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
      const after = await kit(database.url);
      expect(await (await fetch(`${after.origin}/loans`)).json()).toEqual([{ id: 1, reader: 'Ada', title: 'Emma' }]);
      expect((await post(after, '/books', { title: 'Persuasion', copies: 2 })).status).toBe(201);
      await after.stop();
    } finally {
      await database.drop();
    }
  });
});

describe('the cost of the change', () => {
  const added = linesAdded(fileURLToPath(new URL('.', import.meta.url)));
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
