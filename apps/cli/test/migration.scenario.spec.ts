import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { freshDatabase, type FreshDatabase } from '@fledge/kit/testing';
import { jest } from '@jest/globals';
import { Client } from 'pg';
import { fledge as fledgeOn, type Said } from './fledge.js';

const SOURCES: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({ name: 'journal', type: 'module', fledge: { app: 'dist/main.js' } }),
  'config/monolith.yaml':
    'database:\n  url: ${DATABASE_URL:-}\nhttp:\n  port: ${PORT:-0}\nservices: { all: { modules: [diary, bell] } }\n',
  'src/diary/contract/index.ts': `import { defineContract, EventContract, type Fields } from '@fledge/kit/contract';
import { IsString } from 'class-validator';

@EventContract('diary.page-written.v1', { key: 'text' })
export class PageWritten {
  @IsString() readonly text!: string;
  constructor(fields: Fields<PageWritten>) {
    Object.assign(this, fields);
  }
}

export const DiaryContract = defineContract({ name: 'diary', events: [PageWritten], routes: ['/pages'] });
`,
  'src/diary/page.entity.ts': `import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity('page')
export class Page {
  @PrimaryGeneratedColumn() id!: number;
  @Column('text', { default: "\`\${here}" }) text!: string;
}
`,
  'src/diary/pages.controller.ts': `import { Controller, Get, Post } from '@nestjs/common';
import { EventBus } from '@nestjs/cqrs';
import { DataSource } from 'typeorm';
import { PageWritten } from './contract/index.js';
import { Page } from './page.entity.js';

@Controller('pages')
export class PagesController {
  constructor(private readonly dataSource: DataSource, private readonly events: EventBus) {}

  @Post() write() {
    return this.dataSource.transaction(async (manager) => {
      this.events.publish(new PageWritten({ text: 'a' }));
      return manager.getRepository(Page).save({ text: 'a' });
    });
  }

  @Get() list() {
    return this.dataSource.getRepository(Page).find();
  }
}
`,
  'src/diary/diary.module.ts': `import { BoundedModule } from '@fledge/kit';
import { DiaryContract } from './contract/index.js';
import { Page } from './page.entity.js';
import { PagesController } from './pages.controller.js';

@BoundedModule({
  contract: DiaryContract,
  entities: [Page],
  controllers: [PagesController],
})
export class DiaryModule {}
`,
  'src/bell/contract/index.ts': `import { defineContract } from '@fledge/kit/contract';
export const BellContract = defineContract({ name: 'bell' });
`,
  'src/bell/bell.module.ts': `import { BoundedModule } from '@fledge/kit';
import { BellContract } from './contract/index.js';
@BoundedModule({ contract: BellContract })
export class BellModule {}
`,
  'src/application.ts': `import type { Application } from '@fledge/kit';
import { BellContract } from './bell/contract/index.js';
import { DiaryContract } from './diary/contract/index.js';

export const application: Application = {
  name: 'journal',
  access: 'open',
  modules: [
    { contract: DiaryContract, load: () => import('./diary/diary.module.js').then((m) => m.DiaryModule) },
    { contract: BellContract, load: () => import('./bell/bell.module.js').then((m) => m.BellModule) },
  ],
};
`,
  'src/main.ts': `import { runApplication } from '@fledge/kit';
import { application } from './application.js';

await runApplication(application);
`,
};
const BUILD = resolve('libs/kit/test/build-sources.fixture.mjs');
const SERVICE_USER = 'fledge_test_service';
const FIRST = /^CreateDiary\d{13}$/;

let root: string;
let database: FreshDatabase;
let owner: Client;
const running: ChildProcess[] = [];

const file = (path: string): string => readFileSync(join(root, path), 'utf8');
function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
const build = (): Buffer => execFileSync(process.execPath, [BUILD, root, 'src']);
const fledge = (line: string): Promise<Said> => fledgeOn(database.url, ...line.split(' '));
const migrations = (): string[] => readdirSync(join(root, 'src/diary')).filter((name) => name.includes('migration'));
/** What the schema has. */
const applied = async (): Promise<string[]> =>
  (await owner.query<{ name: string }>('select name from diary.fledge_migration order by id')).rows.map(({ name }) =>
    name.replace(/\d{13}$/, ''),
  );
/** Runs the built application itself, as where the command is not installed. */
function application(args: readonly string[], url: string): ChildProcess {
  const { NODE_OPTIONS, FLEDGE_PORT, ...env } = process.env;
  void [NODE_OPTIONS, FLEDGE_PORT];
  const child = spawn(process.execPath, ['dist/main.js', ...args], {
    cwd: root,
    env: { ...env, DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  return child;
}
async function outputOf(child: ChildProcess): Promise<{ readonly code: number; readonly said: string }> {
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, said };
}
function asServiceUser(): string {
  const url = new URL(database.url);
  url.username = SERVICE_USER;
  url.password = 'secret';
  return url.href;
}
/** The role by which the service user works on rows: of this database alone. */
async function rowsRole(): Promise<string | undefined> {
  const { rows } = await owner.query<{ rolname: string }>(
    "select rolname from pg_namespace, aclexplode(nspacl) acl join pg_roles r on r.oid = acl.grantee where nspname = 'diary' and rolname like 'fledgerows%'",
  );
  return rows[0]?.rolname;
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fledge-migration-'));
  for (const [path, text] of Object.entries(SOURCES)) write(path, text);
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'));
  jest.spyOn(process, 'cwd').mockReturnValue(root);
  database = await freshDatabase();
  owner = new Client({ connectionString: database.url });
  await owner.connect();
  // roles belong to the whole server, on which an earlier run may have left it
  await owner.query(
    `do 'begin create role ${SERVICE_USER} login password ''secret''; exception when duplicate_object then null; end'`,
  );
  build();
});
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  // this role would stay on the server; there is none if the test failed before
  const role = await rowsRole().catch(() => undefined);
  if (role !== undefined) await owner.query(`drop owned by ${role}; drop role ${role}`);
  await owner?.end();
  await database?.drop();
  jest.restoreAllMocks();
  rmSync(root, { recursive: true, force: true });
});

// in order: each test goes on where the one before it ended
describe('fledge migration', () => {
  it("writes a module's first migration into its folder, names it in the module, and proposes nothing of the kit", async () => {
    const said = await fledge('migration generate diary');
    expect(said).toEqual({
      code: 0,
      err: '',
      out: expect.stringMatching(
        /^diary: wrote src\/diary\/create-diary\.migration\.ts, and named it in src\/diary\/diary\.module\.ts\n {2}CREATE TABLE "page" .*\nBuild, and run it: fledge migration run diary\n$/,
      ),
    });
    const [, name = ''] = /export class (\w+) implements/.exec(file('src/diary/create-diary.migration.ts')) ?? [];
    expect(name).toMatch(FIRST);
    expect(file('src/diary/create-diary.migration.ts')).not.toContain('fledge_');
    expect(file('src/diary/diary.module.ts')).toContain(
      `from './contract/index.js';\nimport { ${name} } from './create-diary.migration.js';\nimport { Page }`,
    );
    expect(file('src/diary/diary.module.ts')).toContain(`  entities: [Page],\n  migrations: [${name}],\n`);
    // the build does not have it yet: the same changes would be written twice
    expect(await fledge('migration generate diary')).toMatchObject({
      code: 1,
      err: expect.stringContaining(`the sources of diary have a migration that the build has not: ${name}. Build,`),
    });
    expect(migrations()).toHaveLength(1);
  });

  it('runs what is pending once when two run it at the same time', async () => {
    build();
    const both = await Promise.all([1, 2].map(() => outputOf(application(['--migration', 'run'], database.url))));
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both.map(({ said }) => said.replace(/\d{13}/g, '')).sort()).toEqual([
      'diary: applied CreateFledgeTables, AddTimerHeaders, AddDeployment, IndexRunningProcesses, AddRequests, CreateDiary\n',
      'diary: nothing to do\n',
    ]);
    expect(await applied()).toEqual([
      'CreateFledgeTables',
      'AddTimerHeaders',
      'AddDeployment',
      'IndexRunningProcesses',
      'AddRequests',
      'CreateDiary',
    ]);
    const shown = await fledge('migration show diary');
    expect(shown.out).toMatch(
      /^MODULE {2}MIGRATION +BY +STATE\ndiary {3}CreateFledgeTables\d+ +kit +applied\ndiary {3}AddTimerHeaders\d+ +kit +applied\ndiary {3}AddDeployment\d+ +kit +applied\ndiary {3}IndexRunningProcesses\d+ +kit +applied\ndiary {3}AddRequests\d+ +kit +applied\ndiary {3}CreateDiary\d+ +module {2}applied\n$/,
    );
    const defaults = await owner.query(
      "select column_default as text from information_schema.columns where table_name = 'page' and column_name = 'text'",
    );
    expect(defaults.rows).toEqual([{ text: "'`${here}'::text" }]);
  });

  it('writes nothing when nothing has changed', async () => {
    expect(await fledge('migration generate diary')).toEqual({
      code: 0,
      err: '',
      out: 'diary: the schema is what the entities say, so there is nothing to write. If you changed one, build first.\n',
    });
    expect(migrations()).toHaveLength(1);
  });

  it('gives a service that may change no table what it needs to start and to work', async () => {
    expect((await fledge(`migration run --service-user ${SERVICE_USER}`)).out).toBe(
      `diary: nothing to do\n${SERVICE_USER} may read and write the rows of diary\n`,
    );
    const service = new Client({ connectionString: asServiceUser() });
    await service.connect();
    try {
      await expect(service.query('set role fledge_diary')).rejects.toMatchObject({ code: '42501' });
      await service.query(`set role ${await rowsRole()}`);
      await expect(service.query('alter table diary.page add column x text')).rejects.toMatchObject({ code: '42501' });
      await expect(service.query('create table diary.other (id text)')).rejects.toMatchObject({ code: '42501' });
      await expect(service.query('delete from diary.fledge_migration')).rejects.toMatchObject({ code: '42501' });
    } finally {
      await service.end();
    }
    const child = application(['--service', 'all'], asServiceUser());
    const url = await originOf(child);
    expect((await fetch(`${url}/pages`, { method: 'POST' })).status).toBe(201);
    expect(await (await fetch(`${url}/pages`)).json()).toEqual([{ id: 1, text: 'a' }]);
    child.kill('SIGTERM');
    await once(child, 'close');
  });

  it('writes only what was added since, after the older ones have run', async () => {
    const entity = 'src/diary/page.entity.ts';
    write(
      entity,
      file(entity).replace('text!: string;', "text!: string;\n  @Column('text', { nullable: true }) mood!: string;"),
    );
    build();
    const said = await fledge('migration generate diary --name AddMood');
    expect(said.out).toContain('wrote src/diary/add-mood.migration.ts');
    expect(said.out).toContain('\n  ALTER TABLE "page" ADD "mood" text\nBuild,');
    expect(file('src/diary/diary.module.ts')).toMatch(/migrations: \[CreateDiary\d{13}, AddMood\d{13}\],\n/);
    build();
  });

  it('is what a start without the rights asks for while something is pending', async () => {
    const { code, said } = await outputOf(application(['--service', 'all'], asServiceUser()));
    expect(code).toBe(78);
    expect(said).toMatch(
      /diary has migrations to run \(AddMood\d{13}\), and this database user may only work on its rows, as fledgerows_diary_[0-9a-f]{8}\n {2}Run `fledge migration run` with a user/,
    );
    // the URL of others than the topology's user
    expect((await fledgeOn(asServiceUser(), 'migration', 'run', 'diary', '--database-url', database.url)).out).toMatch(
      /^diary: applied AddMood\d{13}\n$/,
    );
    expect(await applied()).toEqual([
      'CreateFledgeTables',
      'AddTimerHeaders',
      'AddDeployment',
      'IndexRunningProcesses',
      'AddRequests',
      'CreateDiary',
      'AddMood',
    ]);
  });

  it('takes back the last migration, and lists it as pending', async () => {
    expect((await fledge('migration revert diary')).out).toMatch(/^diary: reverted AddMood\d{13}\n$/);
    expect(JSON.parse((await fledge('migration show --json')).out)).toEqual([
      { module: 'diary', name: expect.stringMatching(/^CreateFledgeTables/), by: 'kit', state: 'applied' },
      { module: 'diary', name: expect.stringMatching(/^AddTimerHeaders/), by: 'kit', state: 'applied' },
      { module: 'diary', name: expect.stringMatching(/^AddDeployment/), by: 'kit', state: 'applied' },
      { module: 'diary', name: expect.stringMatching(/^IndexRunningProcesses/), by: 'kit', state: 'applied' },
      { module: 'diary', name: expect.stringMatching(/^AddRequests/), by: 'kit', state: 'applied' },
      { module: 'diary', name: expect.stringMatching(/^CreateDiary/), by: 'module', state: 'applied' },
      { module: 'diary', name: expect.stringMatching(/^AddMood/), by: 'module', state: 'pending' },
    ]);
  });

  it('says how it is used, and refuses what it cannot take', async () => {
    const help = await fledge('migration --help');
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out.match(/fledge migration \w+/g)).toEqual(
      ['generate', 'run', 'revert', 'show'].map((verb) => `fledge migration ${verb}`),
    );
    expect((await fledge('migration run --help')).out).toMatch(/^Usage: fledge migration run \[<module> …\].*\n$/);
    for (const line of [
      'migration',
      'migration runn',
      'migration generate',
      'migration run --fake',
      'migration generate diary --name 1',
    ])
      expect([line, (await fledge(line)).code]).toEqual([line, 2]);
    expect(await fledge('migration run dairy')).toMatchObject({
      code: 1,
      err: "fledge: the application journal has no module 'dairy'. It has: diary, bell.\n",
    });
  });
});

/** The address that a service prints when it is ready. */
async function originOf(child: ChildProcess): Promise<string> {
  let said = '';
  for await (const text of child.stdout?.setEncoding('utf8') ?? []) {
    const [, url] = /is ready: .* on (http:\S+)/.exec((said += String(text))) ?? [];
    if (url === undefined) continue;
    child.stdout?.resume();
    return url;
  }
  throw new Error(`it ended: ${said}`);
}
