import type { EventEmitter } from 'node:events';
import { Column, Entity, PrimaryColumn, type MigrationInterface, type QueryRunner, type Repository } from 'typeorm';
import { currentContext, CallContext, runInContext } from '../boundary/index.js';
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.js';
import { leaveParts, type ModuleDataSource, openModuleData, type TransactionPart } from './index.js';

@Entity('entry')
class EntryRow {
  @PrimaryColumn() id!: string;
  @Column({ default: 0 }) amount!: number;
}

class Entries1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table entry (id text primary key, amount int not null default 0)');
  }
  async down(): Promise<void> {}
}

let database: FreshDatabase;
let source: ModuleDataSource;
let entries: Repository<EntryRow>;

beforeAll(async () => {
  database = await freshDatabase();
  source = (await openModuleData({
    module: 'bank',
    url: database.url,
    entities: [EntryRow],
    migrations: [Entries1700000000000],
    poolMax: 2,
  })) as ModuleDataSource;
  entries = source.getRepository(EntryRow);
});
beforeEach(() => source.query('truncate entry'));
afterAll(async () => {
  await source.destroy();
  await database.drop();
});

/** Runs work in a part of the current transaction. */
async function inPart(work: () => Promise<unknown>, follows = false): Promise<TransactionPart> {
  const { part, transaction } = source.openPart(follows);
  const context = new CallContext('bank', 'job', Infinity, undefined, undefined, undefined);
  context.transaction = transaction;
  await runInContext(context, work);
  return part;
}

/** A transaction that leaves its connection as it was. */
function transaction(work: () => Promise<void>): Promise<void> {
  return source.transaction(async () => {
    await work();
    await leaveParts(source.ambientRunner as QueryRunner);
  });
}

/** Holds back for a moment what a connection answers after its next error, as when it arrives in a later packet. */
async function holdAnswersAfterError(runner: QueryRunner): Promise<void> {
  const { connection } = (await runner.connect()) as { connection: EventEmitter };
  const emit = connection.emit.bind(connection);
  let held: Parameters<EventEmitter['emit']>[] | undefined;
  connection.emit = (...event) => {
    if (held) return held.push(event) > 0;
    if (event[0] === 'errorMessage') {
      held = [];
      setTimeout(() => {
        connection.emit = emit;
        for (const later of held ?? []) emit(...later);
      }, 50);
    }
    return emit(...event);
  };
}

async function stored(): Promise<string[]> {
  return (await entries.find({ order: { id: 'asc' } })).map((row) => row.id);
}

describe('a part of a transaction', () => {
  it('is rolled back alone', async () => {
    await transaction(async () => {
      (await inPart(() => entries.insert({ id: 'a' }))).end();
      await (await inPart(() => entries.insert({ id: 'b' }), true)).undo();
      (await inPart(() => entries.insert({ id: 'c' }), true)).end();
    });
    expect(await stored()).toEqual(['a', 'c']);
  });

  it('contains everything that its work queries at once, and the transactions that it opens', async () => {
    await transaction(async () => {
      await (
        await inPart(() =>
          Promise.all([
            entries.insert({ id: 'a' }),
            entries.insert({ id: 'b' }),
            source.query("insert into entry values ('c')"),
          ]),
        )
      ).undo();
      const kept = await inPart(async () => {
        await source.transaction(async (manager) => manager.insert(EntryRow, { id: 'd' }));
        const failing = source.transaction(async () => {
          await entries.insert({ id: 'e' });
          throw new Error('no');
        });
        await expect(failing).rejects.toThrow('no');
      }, true);
      kept.end();
    });
    expect(await stored()).toEqual(['d']);
  });

  it('continues after a statement that failed', async () => {
    await transaction(async () => {
      (await inPart(() => entries.insert({ id: 'a' }))).end();
      const { part, transaction: own } = source.openPart(true);
      const context = new CallContext('bank', 'job', Infinity, undefined, undefined, undefined);
      context.transaction = own;
      await expect(runInContext(context, () => entries.insert({ id: 'a' }))).rejects.toThrow('duplicate key');
      // an error that its work swallowed leaves it aborted
      expect(await part.isBroken()).toBe(true);
      await part.undo();
      (await inPart(() => entries.insert({ id: 'b' }), true)).end();
    });
    expect(await stored()).toEqual(['a', 'b']);
  });

  it('knows that a statement failed before PostgreSQL has reported the state of the transaction', async () => {
    await transaction(async () => {
      const part = await inPart(async () => {
        await entries.insert({ id: 'a' });
        await holdAnswersAfterError(source.ambientRunner as QueryRunner);
        await expect(entries.insert({ id: 'a' })).rejects.toThrow('duplicate key');
      });
      expect(await part.isBroken()).toBe(true);
      await part.undo();
    });
    expect(await stored()).toEqual([]);
  });

  it('is not broken by a statement whose failure its work undid', async () => {
    await transaction(async () => {
      const part = await inPart(async () => {
        await entries.insert({ id: 'a' });
        const failing = source.transaction(async (manager) => manager.insert(EntryRow, { id: 'a' }));
        await expect(failing).rejects.toThrow('duplicate key');
      });
      expect(await part.isBroken()).toBe(false);
      part.end();
    });
    expect(await stored()).toEqual(['a']);
  });

  it('accepts nothing after its end, however it ended', async () => {
    let late: (() => Promise<unknown>)[] = [];
    await transaction(async () => {
      const part = await inPart(async () => {
        const context = currentContext() as CallContext;
        const runner = source.ambientRunner as QueryRunner;
        late = [
          () => runInContext(context, () => entries.insert({ id: 'b' })),
          () => runner.manager.insert(EntryRow, { id: 'c' }),
          () => runner.query("insert into entry values ('d')"),
        ];
        await entries.insert({ id: 'a' });
      });
      part.end();
      for (const write of late) await expect(write()).rejects.toMatchObject({ code: 'fledge.transaction-over' });
    });
    for (const write of late) await expect(write()).rejects.toMatchObject({ code: 'fledge.transaction-over' });
    expect(await stored()).toEqual(['a']);
  });

  it('has no savepoint if it never queried', async () => {
    await transaction(async () => {
      const part = await inPart(async () => undefined);
      expect(part.hasSavepoint).toBe(false);
      await part.undo();
      await entries.insert({ id: 'a' });
    });
    expect(await stored()).toEqual(['a']);
  });
});
