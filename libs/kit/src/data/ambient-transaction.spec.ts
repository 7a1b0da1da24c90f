import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import {
  Column,
  Entity,
  PrimaryColumn,
  type DataSource,
  type MigrationInterface,
  type QueryRunner,
  type Repository,
} from 'typeorm';
import { currentContext, CallContext, inTransaction, runInContext } from '../boundary/index.js';
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.js';
import { IsolationInNestedTransaction, openModuleData } from './index.js';

@Entity('account')
class AccountRow {
  @PrimaryColumn() name!: string;
  @Column() balance!: number;
}

@Entity('entry')
class EntryRow {
  @PrimaryColumn() id!: string;
}

class Accounts1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'create table account (name text primary key, balance int not null check (balance >= 0)); create table entry (id text primary key)',
    );
  }
  async down(): Promise<void> {}
}

const stop = new Error('stop');
let database: FreshDatabase;
let source: DataSource;
let accounts: Repository<AccountRow>;
let entries: Repository<EntryRow>;

beforeAll(async () => {
  database = await freshDatabase();
  source = await openModuleData({
    module: 'bank',
    url: database.url,
    entities: [AccountRow, EntryRow],
    migrations: [Accounts1700000000000],
    poolMax: 4,
  });
  // as @InjectRepository gets them: once, outside any transaction
  accounts = source.getRepository(AccountRow);
  entries = source.getRepository(EntryRow);
});

beforeEach(async () => {
  await source.query('truncate account, entry');
});

afterAll(async () => {
  await source.destroy();
  await database.drop();
});

describe('inside `transaction`', () => {
  const writes: [string, () => Promise<unknown>][] = [
    ['save of a repository', () => accounts.save({ name: 'ann', balance: 1 })],
    ['insert of a repository', () => accounts.insert({ name: 'ann', balance: 1 })],
    [
      "a repository's query builder",
      () => accounts.createQueryBuilder().insert().values({ name: 'ann', balance: 1 }).execute(),
    ],
    ["a repository's own query", () => accounts.query("insert into account values ('ann', 1)")],
    ["the data source's query", () => source.query("insert into account values ('ann', 1)")],
    [
      "the data source's query builder",
      () => source.createQueryBuilder().insert().into(AccountRow).values({ name: 'ann', balance: 1 }).execute(),
    ],
    ['the injected manager', () => source.manager.save(AccountRow, { name: 'ann', balance: 1 })],
    [
      'a repository of an extension',
      () =>
        accounts
          .extend({
            open(name: string) {
              return this.insert({ name, balance: 1 });
            },
          })
          .open('ann'),
    ],
  ];

  it.each(writes)('%s joins: it sees what is written and is rolled back with it', async (_, write) => {
    const failing = source.transaction(async () => {
      await write();
      expect(await accounts.count()).toBe(1);
      expect(await outside()).toBe(0);
      throw stop;
    });
    await expect(failing).rejects.toBe(stop);
    expect(await accounts.count()).toBe(0);

    await source.transaction(write);
    expect(await accounts.count()).toBe(1);
  });

  it('the manager passed to the callback is the same transaction', async () => {
    await source.transaction(async (manager) => {
      await manager.insert(AccountRow, { name: 'ann', balance: 1 });
      expect(await accounts.findOneByOrFail({ name: 'ann' })).toBeInstanceOf(AccountRow);
      await accounts.update({ name: 'ann' }, { balance: 2 });
      expect((await manager.findOneByOrFail(AccountRow, { name: 'ann' })).balance).toBe(2);
    });
  });

  it('a row lock belongs to the transaction', async () => {
    await accounts.insert({ name: 'ann', balance: 0 });
    const deposit = () =>
      source.transaction(async () => {
        const row = await accounts.findOneOrFail({ where: { name: 'ann' }, lock: { mode: 'pessimistic_write' } });
        await accounts.update({ name: 'ann' }, { balance: row.balance + 1 });
      });
    await Promise.all(Array.from({ length: 12 }, deposit));
    expect((await accounts.findOneByOrFail({ name: 'ann' })).balance).toBe(12);
  });

  it('parallel work shares the connection, one query at a time', async () => {
    const overlaps = watchOverlaps();
    await source.transaction(() =>
      Promise.all(['ann', 'bob', 'cid'].map((name) => accounts.save({ name, balance: 1 }))),
    );
    expect(overlaps()).toEqual([]);
    expect(await accounts.count()).toBe(3);
  });

  it('the isolation level is the requested one', async () => {
    const level = await source.transaction('SERIALIZABLE', () =>
      source.query<{ level: string }[]>("select current_setting('transaction_isolation') as level"),
    );
    expect(level).toEqual([{ level: 'serializable' }]);
  });
});

describe('a transaction ends where its callback ends:', () => {
  it('other work in the same request is not part of it', async () => {
    const context = new CallContext('bank', 'http', Infinity, undefined, undefined, undefined);
    await runInContext(context, async () => {
      let openInside = false;
      let opened = (): void => undefined;
      const open = new Promise<void>((done) => (opened = done));
      const failing = source.transaction(async () => {
        await accounts.insert({ name: 'ann', balance: 1 });
        openInside = inTransaction(currentContext());
        opened();
        await neighbour;
        throw stop;
      });
      const neighbour = (async () => {
        await open;
        await entries.insert({ id: 'kept' });
        return inTransaction(currentContext());
      })();
      await expect(failing).rejects.toBe(stop);
      expect(await neighbour).toBe(false);
      expect(openInside).toBe(true);
      expect(inTransaction(currentContext())).toBe(false);
    });
    expect(await entries.count()).toBe(1);
    expect(await accounts.count()).toBe(0);
  });

  it('work left running after the end uses the pool again, not a released connection', async () => {
    let late: Promise<unknown> = Promise.resolve();
    let openLate = true;
    await source.transaction(async () => {
      late = sleep(20).then(async () => {
        openLate = inTransaction(currentContext());
        await entries.insert({ id: 'late' });
      });
    });
    await late;
    expect(openLate).toBe(false);
    expect(await entries.count()).toBe(1);
  });

  it('a repository first used inside one does not keep it', async () => {
    const other = await openModuleData({ module: 'bank', url: database.url, entities: [AccountRow], migrations: [] });
    try {
      const repository = await other.transaction(async () => other.getRepository(AccountRow));
      expect(await repository.createQueryBuilder().getCount()).toBe(0);
    } finally {
      await other.destroy();
    }
  });

  it('another data source does not join it', async () => {
    const other = await openModuleData({ module: 'bank', url: database.url, entities: [EntryRow], migrations: [] });
    try {
      await expect(
        source.transaction(async () => {
          await other.getRepository(EntryRow).insert({ id: 'apart' });
          throw stop;
        }),
      ).rejects.toBe(stop);
      expect(await entries.count()).toBe(1);
    } finally {
      await other.destroy();
    }
  });

  it('connections go back to the pool, however the transaction ends', async () => {
    for (let round = 0; round < 8; round += 1) {
      await source.transaction(() => accounts.count());
      await expect(source.transaction(() => Promise.reject(stop))).rejects.toBe(stop);
      await expect(source.transaction(() => source.query('select 1/0'))).rejects.toThrow('division by zero');
    }
    expect(
      await source.query(
        "select count(*)::int as count from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
      ),
    ).toEqual([{ count: 0 }]);
  });
});

describe('a transaction inside a transaction', () => {
  it('joins it: its work is rolled back with the outer one', async () => {
    await expect(
      source.transaction(async () => {
        await source.transaction(() => accounts.insert({ name: 'ann', balance: 1 }));
        expect(await accounts.count()).toBe(1);
        throw stop;
      }),
    ).rejects.toBe(stop);
    expect(await accounts.count()).toBe(0);
  });

  it('that fails rolls back only its own part, and the outer one may continue', async () => {
    await source.transaction(async () => {
      await accounts.insert({ name: 'ann', balance: 1 });
      const inner = source.transaction(async () => {
        await accounts.insert({ name: 'bob', balance: 1 });
        await accounts.insert({ name: 'cid', balance: -1 });
      });
      await expect(inner).rejects.toThrow('account_balance_check');
      await entries.insert({ id: 'after' });
    });
    expect((await accounts.find()).map(({ name }) => name)).toEqual(['ann']);
    expect(await entries.count()).toBe(1);
  });

  it('waits for its turn when there are several at once', async () => {
    await source.transaction(async () => {
      const outcomes = await Promise.allSettled(
        [1, 2, 3, 4].map((n) =>
          source.transaction(async (manager) => {
            await manager.insert(AccountRow, { name: `n${n}`, balance: 1 });
            await sleep(5);
            if (n % 2 === 0) throw stop;
          }),
        ),
      );
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    });
    expect((await accounts.find({ order: { name: 'ASC' } })).map(({ name }) => name)).toEqual(['n1', 'n3']);
  });

  it('cannot have its own isolation level', async () => {
    await source.transaction(async () => {
      await expect(source.transaction('SERIALIZABLE', () => accounts.count())).rejects.toBeInstanceOf(
        IsolationInNestedTransaction,
      );
    });
  });
});

describe('what the boundary sees', () => {
  const context = () => new CallContext('bank', 'http', Infinity, undefined, undefined, undefined);

  it('is an open transaction for the duration of `transaction`, nested or not', async () => {
    await runInContext(context(), async () => {
      expect(inTransaction(currentContext())).toBe(false);
      await source.transaction(async () => {
        expect(inTransaction(currentContext())).toBe(true);
        await source.transaction(async () => expect(inTransaction(currentContext())).toBe(true));
        expect(inTransaction(currentContext())).toBe(true);
      });
      expect(inTransaction(currentContext())).toBe(false);
    });
  });

  it.each(['commitTransaction', 'rollbackTransaction', 'release'] as const)(
    'is an open transaction from a manual startTransaction to %s',
    async (end) => {
      await runInContext(context(), async () => {
        const runner = source.createQueryRunner();
        await runner.startTransaction();
        await runner.startTransaction();
        await runner.manager.insert(AccountRow, { name: 'ann', balance: 1 });
        expect(inTransaction(currentContext())).toBe(true);
        // injected repositories cannot know about it
        expect(await accounts.count()).toBe(0);
        if (end !== 'release') {
          await runner[end]();
          expect(inTransaction(currentContext())).toBe(true);
          await runner[end]();
          expect(inTransaction(currentContext())).toBe(false);
        }
        await runner.release();
        expect(inTransaction(currentContext())).toBe(false);
      });
      expect(await accounts.count()).toBe(end === 'commitTransaction' ? 1 : 0);
    },
  );

  it('is no open transaction while a single statement is saved, although TypeORM wraps it in one', async () => {
    await runInContext(context(), async () => {
      let saved = false;
      const save = accounts.save({ name: 'ann', balance: 1 }).then(() => (saved = true));
      let seenOpen = false;
      while (!saved) {
        seenOpen ||= inTransaction(currentContext());
        await sleep(0);
      }
      await save;
      expect(seenOpen).toBe(false);
    });
  });

  it('a runner released with an open transaction returns a clean connection', async () => {
    for (let round = 0; round < 6; round += 1) {
      const runner = source.createQueryRunner();
      await runner.startTransaction();
      await runner.query("insert into entry values ('lost')");
      await runner.release();
    }
    expect(
      await source.query(
        "select count(*)::int as count from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
      ),
    ).toEqual([{ count: 0 }]);
    expect(await entries.count()).toBe(0);
  });
});

/** Records queries issued on a connection that still runs another: pg will refuse them one day. */
function watchOverlaps(): () => unknown[] {
  const stock = Client.prototype.query;
  const busy = new Map<Client, number>();
  const overlaps: unknown[] = [];
  Client.prototype.query = async function (this: Client, ...args: unknown[]) {
    if (busy.get(this)) overlaps.push(args[0]);
    busy.set(this, (busy.get(this) ?? 0) + 1);
    try {
      return await (stock as (...args: unknown[]) => Promise<unknown>).apply(this, args);
    } finally {
      busy.set(this, (busy.get(this) ?? 0) - 1);
    }
  } as typeof stock;
  return () => {
    Client.prototype.query = stock;
    return overlaps;
  };
}

/** The number of accounts visible to another connection. */
async function outside(): Promise<number> {
  const runner = source.createQueryRunner();
  try {
    return await runner.manager.count(AccountRow);
  } finally {
    await runner.release();
  }
}
