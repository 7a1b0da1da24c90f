export {
  EMBEDDED_CONNECTIONS_MAX,
  runningEmbeddedPostgres,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './embedded-postgres.js';
export { databaseRolesSql, moduleRoles, type ModuleRoles } from './database-roles.js';
export { endWithParent } from './end-with-parent.js';
export { DatabaseInterrupted, DatabaseUnavailable, IsolationInNestedTransaction, TransactionOver } from './errors.js';
export { IDLE_IN_TRANSACTION_TIMEOUT_MS } from './idle-limit.js';
export { moduleDataImports } from './module-data-imports.js';
export { CONNECT_TIMEOUT_MS, MIGRATION_WAIT_MS } from './module-database.js';
export {
  listMigrations,
  revertMigration,
  runMigrations,
  schemaChanges,
  type MigrationState,
  type ModuleMigrations,
  type RunOptions,
  type SchemaChange,
} from './module-migrations.js';
export {
  MIGRATION_TABLE,
  openModuleData,
  POOL_IDLE_MS,
  STATEMENT_TIMEOUT_MS,
  type DatabaseLogins,
  type EntityClass,
  type MigrationClass,
  type ModuleDataOptions,
} from './open-module-data.js';
export { ModuleDataSource, type CommitHook } from './module-data-source.js';
export { isPassing, passingOutcome } from './passing.js';
export { SteadyClient } from './steady-client.js';
export { isSuperuser } from './superuser.js';
export { backendOf, cancelQuery, leaveParts, TransactionPart } from './transaction-part.js';
export type { LineEvents, ModuleLine } from './module-line.js';
