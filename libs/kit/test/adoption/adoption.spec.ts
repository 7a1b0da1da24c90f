import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { freshDatabase, type FreshDatabase, testApplication, type TestedApplication } from '@fledge/kit/testing';
import request from 'supertest';
import { BooksService } from './after/books/books.service.js';
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

const GUIDE = readFileSync(fileURLToPath(new URL('../../docs/guides/adopting.md', import.meta.url)), 'utf8');
/** The commands and the SQL of its last step, in order. */
const MOVE = [
  ...GUIDE.matchAll(/^<!-- run by libs\/kit\/test\/adoption\/adoption\.spec\.ts -->\n```(sh|sql)\n([^]*?)^```$/gm),
].map(([, language = '', text = '']) => ({ language, text }));

async function post(world: World, path: string, body: object): Promise<Response> {
  return fetch(`${world.origin}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** The application as the reader of the guide has it then: in a folder, and built. */
function builtLibrary(): string {
  const root = mkdtempSync(join(tmpdir(), 'fledge-adoption-'));
  const here = fileURLToPath(new URL('.', import.meta.url));
  cpSync(join(here, 'after'), join(root, 'src'), { recursive: true });
  symlinkSync(join(here, '../../../../node_modules'), join(root, 'node_modules'));
  writeFileSync(join(root, 'package.json'), JSON.stringify({ type: 'module', fledge: { app: 'dist/main.js' } }));
  const [, topology = ''] = /```yaml\n(# config\/monolith\.yaml\n[^]*?)```/.exec(GUIDE) ?? [];
  mkdirSync(join(root, 'config'));
  writeFileSync(join(root, 'config/monolith.yaml'), `${topology}database:\n  url: \${DATABASE_URL:-}\n`);
  execFileSync(process.execPath, [join(here, '../build-sources.fixture.mjs'), root, 'src']);
  return root;
}

describe('the data of the library', () => {
  let database: FreshDatabase;
  let root: string;
  const worlds: World[] = [];
  const sql = async (text: string): Promise<void> => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query(text);
    } finally {
      await client.end();
    }
  };
  /** Runs a command of the guide with the built command of this repository. */
  const shell = async (line: string): Promise<string> => {
    const [npx, name, ...args] = line.split(' ');
    expect([npx, name]).toEqual(['npx', 'fledge']);
    const command = fileURLToPath(new URL('../../../../dist/apps/cli/src/main.js', import.meta.url));
    const { NODE_OPTIONS, ...env } = process.env;
    void NODE_OPTIONS;
    const { stdout } = await promisify(execFile)(process.execPath, [command, ...args], {
      cwd: root,
      env: { ...env, DATABASE_URL: database.url },
    });
    return stdout;
  };
  const oldApplication = async (): Promise<void> => {
    const before = await plainNest(database.url);
    worlds.push(before);
    await post(before, '/books', { title: 'Emma', copies: 1 });
    await post(before, '/loans', { bookId: 1, reader: 'Ada' });
    await before.stop();
  };
  const newApplication = async (): Promise<World> => {
    const after = await kit(ONE_PROCESS)(database.url);
    worlds.push(after);
    return after;
  };

  beforeAll(() => {
    root = builtLibrary();
  });
  beforeEach(async () => {
    database = await freshDatabase();
  });
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.stop();
    await database?.drop();
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('is there after the move that the guide describes', async () => {
    await oldApplication();
    expect(MOVE.map(({ language }) => language)).toEqual(['sh', 'sql', 'sh']);
    const said: string[] = [];
    for (const { language, text } of MOVE) {
      if (language === 'sql') await sql(text);
      else for (const line of text.trim().split('\n')) said.push(await shell(line));
    }
    expect(said).toEqual([
      expect.stringMatching(
        /^books: applied CreateFledgeTables\d+, .*; recorded CreateBooks1700000000000 as done, without running it\napp: applied .*; recorded CreateLoans1700000000001 as done, without running it\n$/,
      ),
      expect.stringContaining('books: the schema is what the entities say'),
      expect.stringContaining('app: the schema is what the entities say'),
    ]);
    const after = await newApplication();
    expect(await (await fetch(`${after.origin}/loans`)).json()).toEqual([{ id: 1, reader: 'Ada', title: 'Emma' }]);
    expect((await post(after, '/books', { title: 'Persuasion', copies: 2 })).status).toBe(201);
  });

  it('is there after a first start before the move, whose empty tables the guide takes back', async () => {
    await oldApplication();
    await (await newApplication()).stop();
    const move = MOVE.find(({ language }) => language === 'sql')?.text ?? '';
    await expect(sql(move)).rejects.toThrow('relation "book" already exists');
    for (const module of ['books', 'app']) await shell(`npx fledge migration revert ${module}`);
    await shell(MOVE[0]?.text.trim() ?? '');
    await sql(move);
    const after = await newApplication();
    expect(await (await fetch(`${after.origin}/loans`)).json()).toEqual([{ id: 1, reader: 'Ada', title: 'Emma' }]);
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
    expect(sum('app.contract.ts', 'app.module.ts', 'library.application.ts', 'main.ts')).toBe(26);
    expect(added.size).toBe(9);
  });
});
