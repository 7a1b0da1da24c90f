import {
  DataSource,
  EntityManager,
  type EntityTarget,
  type ObjectLiteral,
  QueryFailedError,
  type QueryRunner,
  type ReplicationMode,
  type Repository,
  type SaveOptions,
  type SelectQueryBuilder,
  type TreeRepository,
} from 'typeorm';
import { currentContext, runInTransaction, type OpenTransaction } from '../boundary/index.js';
import { StartupError } from '../contract/index.js';
import { IsolationInNestedTransaction } from './errors.js';
import { type LineEvents, type ModuleLine, openModuleLine } from './module-line.js';
import { limitIdle } from './idle-limit.js';
import { countByHand } from './manual-transaction.js';
import { isOfCommit, noteUndone } from './passing.js';
import { statementName } from './statement-name.js';
import { type RawRunner, type Statement, TransactionPart } from './transaction-part.js';
import type { ClientConfig } from 'pg';

type IsolationLevel = Parameters<QueryRunner['startTransaction']>[0];
type Work<T> = (manager: EntityManager) => Promise<T>;

/** Stores enlisted items with a transaction, right before its commit, and is notified right after. */
export interface CommitHook {
  /**
   * Stores the enlisted items with the transaction's own runner, in the order in which they were enlisted. A rejection
   * rolls everything back.
   */
  before(enlisted: readonly unknown[], runner: QueryRunner): Promise<void>;
  after(enlisted: readonly unknown[]): void;
  /**
   * The transaction failed after `before` was called: it was undone, or its connection was lost and the result is
   * unknown.
   */
  failed(enlisted: readonly unknown[]): void;
}

/** The writes for which TypeORM itself opens a transaction around one statement. */
const PERSISTING = ['save', 'remove', 'softRemove', 'recover'] as const;

/**
 * A module's data source: TypeORM's, with *ambient* transactions. Inside `transaction(async () => …)` everything of this
 * data source joins the transaction without its manager being passed along: injected repositories, the injected
 * `EntityManager`, `query`, `createQueryBuilder`. A nested transaction joins the outer one behind a savepoint: its
 * failure undoes only its own part, and its success takes effect with the outermost commit. Work that is still running
 * when the callback ends is no longer part of it.
 *
 * A query runner of `createQueryRunner()` is a separate connection, as in TypeORM: nothing joins it, but its
 * transaction counts as open for the boundary.
 */
export class ModuleDataSource extends DataSource {
  /** The query runner of the transaction that is open in the current flow. */
  get ambientRunner(): QueryRunner | undefined {
    return this.ambient?.manager.queryRunner;
  }

  /** Stores the items enlisted in transactions; without it, nothing can be enlisted. */
  commitHook: CommitHook | undefined;

  /** Called after each commit of a transaction of this data source, if set. */
  onCommit: (() => void) | undefined;

  /**
   * Keeps an item until the current transaction commits, when the commit hook stores it. Dropped if the transaction, or
   * the nested one in which it was enlisted, is undone. Returns false if no transaction is open.
   */
  enlist(item: unknown): boolean {
    const { ambient } = this;
    ambient?.enlisted.push(item);
    return ambient !== undefined;
  }

  /** The transaction that is open in the current flow. */
  get ambient(): AmbientTransaction | undefined {
    const open = currentContext()?.transaction;
    return open instanceof AmbientTransaction && open.owner === this ? open : undefined;
  }

  /**
   * Opens a part of the current transaction that can be undone separately. Work in a context that has `transaction`
   * joins the part.
   * @param follows whether an earlier part of the same transaction has left a savepoint.
   */
  openPart(follows: boolean): { readonly part: TransactionPart; readonly transaction: OpenTransaction } {
    const outer = this.ambient;
    if (!outer?.manager.queryRunner) throw new Error('a part was opened without a transaction');
    const part = new TransactionPart(outer.manager.queryRunner, follows);
    const transaction = new AmbientTransaction(this, this.createEntityManager(part.runner));
    outer.enlisted.push(new Within(transaction, () => part.isKept));
    return { part, transaction };
  }

  override createEntityManager(queryRunner?: QueryRunner): EntityManager {
    return new AmbientManager(this, queryRunner);
  }

  override createQueryRunner(mode?: ReplicationMode): QueryRunner {
    return countByHand(this.plainRunner(mode));
  }

  /** A query runner whose transactions the boundary does not count, as they belong to this class. */
  plainRunner(mode?: ReplicationMode): QueryRunner {
    return limitIdle(super.createQueryRunner(mode));
  }

  // TypeORM's result type defaults to `any`; here a caller names its rows
  override query<T>(sql: string, parameters?: unknown[] | ObjectLiteral, queryRunner?: QueryRunner): Promise<T> {
    return super.query<T>(sql, parameters as unknown[], queryRunner ?? this.ambientRunner);
  }

  /**
   * Runs a statement that PostgreSQL parses and plans once per connection, bypassing TypeORM, and returns its rows. For
   * the kit's own statements, whose text is constant and whose plan does not depend on the parameters. Runs in the
   * current transaction, if one is open.
   */
  async rowsPrepared<Row extends object>(
    text: string,
    parameters: readonly unknown[],
    runner: QueryRunner | undefined = this.ambientRunner,
  ): Promise<Row[]> {
    const statement = { name: statementName(text), text, values: parameters as unknown[] };
    if (runner) return ((await (runner as RawRunner).raw(statement)) as { rows: Row[] }).rows;
    const [connection, release] = await (this.driver as unknown as PooledDriver).obtainMasterConnection();
    let failure: unknown;
    try {
      return ((await connection.query(statement)) as { rows: Row[] }).rows;
    } catch (error) {
      failure = error;
      throw new QueryFailedError(text, statement.values, error as Error);
    } finally {
      // a connection that failed must not return to the pool
      release(isRefusal(failure) ? undefined : (failure as Error | undefined));
    }
  }

  /** Opens a connection for exclusive use, with the rights and the schema of the pool's. */
  openLine(events: LineEvents): Promise<ModuleLine> {
    return openModuleLine((this.driver as unknown as PooledDriver).master.options, events);
  }

  override createQueryBuilder<Entity extends ObjectLiteral>(
    entityClass: EntityTarget<Entity>,
    alias: string,
    queryRunner?: QueryRunner,
  ): SelectQueryBuilder<Entity>;
  override createQueryBuilder(queryRunner?: QueryRunner): SelectQueryBuilder<ObjectLiteral>;
  override createQueryBuilder(
    entityOrRunner?: EntityTarget<ObjectLiteral> | QueryRunner,
    alias?: string,
    queryRunner?: QueryRunner,
  ): SelectQueryBuilder<ObjectLiteral> {
    if (alias)
      return super.createQueryBuilder(
        entityOrRunner as EntityTarget<ObjectLiteral>,
        alias,
        queryRunner ?? this.ambientRunner,
      );
    return super.createQueryBuilder(
      (entityOrRunner as QueryRunner | undefined) ?? this.ambientRunner,
    ) as SelectQueryBuilder<ObjectLiteral>;
  }

  protected override async buildMetadatas(): Promise<void> {
    await super.buildMetadatas();
    const own = (this.options as { schema?: string }).schema;
    for (const { name, schema, database } of this.entityMetadatas) {
      const named = schema !== own ? schema : database !== this.driver.database ? database : undefined;
      if (named === undefined) continue;
      throw new StartupError(
        'entity-schema',
        `the entity ${name} names '${named}', but its module has tables only in the schema '${own}'`,
        'Leave `schema` and `database` out of its @Entity; get the data of another module through its contract.',
        { entity: name, named, schema: own },
      );
    }
  }
}

/** The parts of TypeORM's PostgreSQL driver that are used directly. */
interface PooledDriver {
  readonly master: { readonly options: ClientConfig };
  obtainMasterConnection(): Promise<[{ query(statement: Statement): Promise<unknown> }, (error?: Error) => void]>;
}

/** Whether PostgreSQL refused a statement but the connection remains usable. */
function isRefusal(error: unknown): boolean {
  const { code, severity } = (error ?? {}) as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && severity === 'ERROR';
}

const NOTHING: readonly unknown[] = [];

/** A transaction that follows the calls made inside it. */
class AmbientTransaction implements OpenTransaction {
  /** Items enlisted in this transaction and in those nested in it, in the order in which they were enlisted. */
  readonly enlisted: unknown[] = [];
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly owner: DataSource,
    readonly manager: EntityManager,
  ) {}

  /** Runs nested transactions one after the other: savepoints of one connection cannot overlap. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work);
    // a failure of the previous turn does not concern the next
    this.last = turn.catch(() => undefined);
    return turn;
  }
}

/** Represents, at its place in the list, what a nested transaction enlisted. */
class Within {
  constructor(
    readonly transaction: AmbientTransaction,
    readonly isKept: () => boolean,
  ) {}
}

/** Everything that must be stored with a transaction, without the items of nested ones that were undone. */
function keptOf({ enlisted }: AmbientTransaction): unknown[] {
  return enlisted.flatMap((item) =>
    item instanceof Within ? (item.isKept() ? keptOf(item.transaction) : []) : [item],
  );
}

/**
 * TypeORM's manager, which finds the transaction of the current flow; one created with a query runner keeps to that.
 */
class AmbientManager extends EntityManager {
  private readonly source: ModuleDataSource;
  /** Set while a repository is created, which would otherwise keep the transaction of its first use forever. */
  private detached = false;

  constructor(source: ModuleDataSource, queryRunner?: QueryRunner) {
    super(source, queryRunner);
    this.source = source;
    if (queryRunner) return;
    // TypeORM reads this one property wherever a manager may be bound to a connection
    Object.defineProperty(this, 'queryRunner', { get: () => (this.detached ? undefined : source.ambientRunner) });
    for (const name of PERSISTING) this.openPlainly(name);
  }

  override transaction<T>(work: Work<T>): Promise<T>;
  override transaction<T>(isolation: NonNullable<IsolationLevel>, work: Work<T>): Promise<T>;
  override async transaction<T>(isolationOrWork: IsolationLevel | Work<T>, maybeWork?: Work<T>): Promise<T> {
    const [isolation, work] =
      typeof isolationOrWork === 'function' ? [undefined, isolationOrWork] : [isolationOrWork, maybeWork];
    if (!work) throw new TypeError('transaction() needs a function that does its work');
    const bound = this.queryRunner;
    if (!bound) return this.outermost(isolation, work);
    if (isolation && bound.isTransactionActive) throw new IsolationInNestedTransaction(isolation);
    const ambient = this.source.ambient;
    const inside = () => this.enclose(bound, isolation, work);
    return ambient?.manager.queryRunner === bound ? ambient.inTurn(inside) : inside();
  }

  override getRepository<Entity extends ObjectLiteral>(target: EntityTarget<Entity>): Repository<Entity> {
    return this.asDetached(() => super.getRepository(target));
  }

  override getTreeRepository<Entity extends ObjectLiteral>(target: EntityTarget<Entity>): TreeRepository<Entity> {
    return this.asDetached(() => super.getTreeRepository(target));
  }

  private asDetached<R>(make: () => R): R {
    this.detached = true;
    try {
      return make();
    } finally {
      this.detached = false;
    }
  }

  private async outermost<T>(isolation: IsolationLevel, work: Work<T>): Promise<T> {
    const runner = oneByOne(this.source.plainRunner());
    try {
      return await this.enclose(runner, isolation, work);
    } finally {
      await runner.release();
    }
  }

  private async enclose<T>(runner: QueryRunner, isolation: IsolationLevel, work: Work<T>): Promise<T> {
    const outer = runner.isTransactionActive ? this.source.ambient : undefined;
    let enlisted = NOTHING;
    try {
      await runner.startTransaction(isolation);
    } catch (error) {
      noteUndone(error);
      throw error;
    }
    try {
      const transaction = new AmbientTransaction(this.source, runner.manager);
      let kept = false;
      outer?.enlisted.push(new Within(transaction, () => kept));
      const result = await runInTransaction(transaction, () => untilSettled(() => work(runner.manager)));
      if (!outer && transaction.enlisted.length > 0) enlisted = keptOf(transaction);
      if (enlisted.length > 0) await this.source.commitHook?.before(enlisted, runner);
      await runner.commitTransaction();
      kept = true;
      if (!outer) currentContext()?.noteEffect();
      if (enlisted.length > 0) this.source.commitHook?.after(enlisted);
      if (!outer) this.source.onCommit?.();
      return result;
    } catch (error) {
      if (enlisted.length > 0) this.source.commitHook?.failed(enlisted);
      if (!isOfCommit(error)) noteUndone(error);
      // report the first failure; a connection that cannot roll back is lost, and its transaction with it
      await runner.rollbackTransaction().catch(() => undefined);
      throw error;
    }
  }

  /** Gives a write that opens its own transaction a runner that does not count as opened by hand. */
  private openPlainly(name: (typeof PERSISTING)[number]): void {
    const inFlow = this[name].bind(this) as (...args: unknown[]) => Promise<unknown>;
    const write = async (...args: unknown[]): Promise<unknown> => {
      if (this.queryRunner) return inFlow(...args);
      const runner = this.source.plainRunner();
      const isAtomic = !args.some((arg) => (arg as SaveOptions | undefined)?.transaction === false);
      if (!isAtomic) currentContext()?.noteEffect();
      try {
        const result = await (runner.manager[name] as (...args: unknown[]) => Promise<unknown>)(...args);
        currentContext()?.noteEffect();
        return result;
      } catch (error) {
        if (isAtomic && !isOfCommit(error)) noteUndone(error);
        throw error;
      } finally {
        await runner.release();
      }
    };
    Object.defineProperty(this, name, { value: write });
  }
}

/** Runs the work of a transaction and removes the transaction from its flow once the work has settled. */
async function untilSettled<T>(work: () => Promise<T>): Promise<T> {
  const context = currentContext();
  try {
    return await work();
  } finally {
    if (context) context.transaction = undefined;
  }
}

/** Runs a statement on the connection of a runner, bypassing TypeORM. */
async function rawOf(runner: QueryRunner, statement: Statement): Promise<unknown> {
  const connection = (await runner.connect()) as { query(statement: Statement): Promise<unknown> };
  try {
    return await connection.query(statement);
  } catch (error) {
    throw new QueryFailedError(statement.text, statement.values, error as Error);
  }
}

/**
 * Makes a runner send its queries one after the other: repositories that share a transaction unknowingly are often used
 * in parallel, and a future pg will not queue for us.
 */
function oneByOne(runner: QueryRunner): QueryRunner {
  const query = runner.query.bind(runner) as (...args: unknown[]) => Promise<unknown>;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (...args: unknown[]): Promise<unknown> => {
    const turn = last.then(() => query(...args));
    last = turn.catch(() => undefined);
    return turn;
  };
  Object.defineProperty(runner, 'query', { value: inTurn });
  const raw = (statement: Statement): Promise<unknown> => {
    const turn = last.then(() => rawOf(runner, statement));
    last = turn.catch(() => undefined);
    return turn;
  };
  Object.defineProperty(runner, 'raw', { value: raw });
  return runner;
}
