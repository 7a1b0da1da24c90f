import { Body, Controller, Logger, Post } from '@nestjs/common';
import { Command, CommandHandler } from '@nestjs/cqrs';
import { InjectRepository } from '@nestjs/typeorm';
import { IsIn } from 'class-validator';
import { Client } from 'pg';
import {
  Column,
  DataSource,
  Entity,
  type MigrationInterface,
  PrimaryColumn,
  type QueryRunner,
  Repository,
} from 'typeorm';
import { BoundedModule } from '../src/index.js';
import { CommandContract, defineContract, ModuleUnavailable, type Outcome } from '../src/contract/index.js';
import { eventually, freshDatabase, type FreshDatabase, testModule, type TestedModule } from '../src/testing/index.js';

// this file tests work that a database interrupts, which is logged as a warning
Logger.overrideLogger(false);

/** The work that its database interrupts, and what is certain about its outcome. */
const WORK: Readonly<Record<string, Outcome>> = {
  'a statement of a transaction': 'rejected',
  'between two statements of a transaction': 'rejected',
  'a statement of a transaction opened by hand': 'rejected',
  'the commit': 'unknown',
  'a save': 'rejected',
  'the commit of a save': 'unknown',
  'a write outside a transaction': 'unknown',
  'a serialization failure': 'rejected',
  'a deadlock at the commit of a save': 'rejected',
  'a transaction after another': 'unknown',
};

@Entity('coin')
class CoinRow {
  @PrimaryColumn('int') id!: number;
  @Column('text') fate!: string;
}

@CommandContract('vault.do.v1', { deadlineMs: 20_000 })
class Do extends Command<void> {
  @IsIn(Object.keys(WORK)) readonly what: string;
  constructor(what: string) {
    super();
    this.what = what;
  }
}

class Coins1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table coin (id int primary key, fate text)');
    await runner.query(`create function decide() returns trigger language plpgsql as $$ begin
      if new.fate = tg_argv[0] then perform pg_sleep(60); end if;
      if new.fate = 'deadlock' and tg_when = 'AFTER' then raise exception 'deadlock detected' using errcode = '40P01'; end if;
      if new.fate = 'serialize' then raise exception 'could not serialize access' using errcode = '40001'; end if;
      return new;
    end $$`);
    await runner.query("create trigger at_once before insert on coin for each row execute function decide('slow')");
    await runner.query(
      "create constraint trigger at_commit after insert on coin deferrable initially deferred for each row execute function decide('slow commit')",
    );
  }
  async down(): Promise<void> {}
}

let database: FreshDatabase;
let owner: Client;
let tested: TestedModule;

@CommandHandler(Do)
class DoHandler {
  constructor(
    private readonly data: DataSource,
    @InjectRepository(CoinRow) private readonly coins: Repository<CoinRow>,
  ) {}

  async execute({ what }: Do): Promise<void> {
    await this.works[what]?.();
  }

  private readonly works: Readonly<Record<string, () => Promise<unknown>>> = {
    'a statement of a transaction': () =>
      this.data.transaction(async () => {
        await this.insert(1);
        await killed(this.insert(2, 'slow'));
      }),
    'between two statements of a transaction': () =>
      this.data.transaction(async () => {
        const [{ pid }] = await this.data.query<[{ pid: number }]>('select pg_backend_pid() as pid');
        await owner.query('select pg_terminate_backend($1)', [pid]);
        await eventually(() => expect(this.data.query('select 1')).rejects.toThrow(), 'the connection is lost');
        await this.insert(1);
      }),
    'a statement of a transaction opened by hand': async () => {
      const runner = this.data.createQueryRunner();
      try {
        await runner.startTransaction();
        await killed(runner.query("insert into coin values (1, 'slow')"));
      } finally {
        await runner.release();
      }
    },
    'the commit': () => killed(this.data.transaction(() => this.insert(1, 'slow commit'))),
    'a save': () => killed(this.coins.save({ id: 1, fate: 'slow' })),
    'the commit of a save': () => killed(this.coins.save({ id: 1, fate: 'slow commit' })),
    'a write outside a transaction': () => killed(this.insert(1, 'slow')),
    'a serialization failure': () => this.data.transaction(() => this.insert(1, 'serialize')),
    'a deadlock at the commit of a save': () => this.coins.save({ id: 1, fate: 'deadlock' }),
    'a transaction after another': async () => {
      await this.data.transaction(() => this.insert(1));
      await this.data.transaction(() => this.insert(2, 'serialize'));
    },
  };

  private insert(id: number, fate = 'fine'): Promise<unknown> {
    return this.data.query('insert into coin values ($1, $2)', [id, fate]);
  }
}

/** Ends the connection on which some work sleeps. */
async function killed(work: Promise<unknown>): Promise<void> {
  const [done] = await Promise.allSettled([
    work,
    eventually(async () => {
      const { rowCount } = await owner.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'",
      );
      expect(rowCount).toBe(1);
    }, 'the work sleeps'),
  ]);
  if (done.status === 'rejected') throw done.reason;
}

@Controller('vault')
class VaultController {
  constructor(private readonly handler: DoHandler) {}
  @Post()
  do(@Body() { what }: Do): Promise<void> {
    return this.handler.execute({ what } as Do);
  }
}

const VaultContract = defineContract({ name: 'vault', routes: ['/vault'], commands: [Do] });

@BoundedModule({
  contract: VaultContract,
  entities: [CoinRow],
  migrations: [Coins1700000000000],
  controllers: [VaultController],
  providers: [DoHandler],
})
class VaultModule {}

beforeAll(async () => {
  database = await freshDatabase();
  owner = new Client({ connectionString: database.url });
  await owner.connect();
  tested = await testModule(VaultModule, { database: { url: database.url }, logger: false });
});
afterAll(async () => {
  await tested?.close();
  await owner.end();
  await database.drop();
});
beforeEach(() => owner.query('truncate vault.coin'));

// A lost connection, and a transaction that PostgreSQL aborted, were a fault of the module and a 500.
describe.each(Object.entries(WORK))('work that its database interrupts in %s', (what, outcome) => {
  it(`is a 503 to be retried, ${outcome}`, async () => {
    const { status, headers, body } = await tested.request('POST', '/vault', { what });
    expect({ status, retryAfter: headers['retry-after'], body }).toMatchObject({
      status: 503,
      retryAfter: '1',
      body: { code: 'fledge.database-interrupted', data: { outcome } },
    });
    expect(JSON.stringify(body)).not.toMatch(/pg_|terminat|insert|could not/);
  });

  it(`is a ModuleUnavailable for its caller, ${outcome}`, async () => {
    const error = await tested.execute(new Do(what)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ModuleUnavailable);
    expect(error).toMatchObject({ reason: 'database', outcome });
  });
});
