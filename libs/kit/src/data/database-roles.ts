import { createHash } from 'node:crypto';

/** The roles of one module in one database. */
export interface ModuleRoles {
  /** Owns the schema and its tables; nobody logs in as it. Databases of one server share it. */
  readonly owner: string;
  /** Reads and writes rows, and changes no table; nobody logs in as it. */
  readonly rows: string;
  /** The login that migrates: a member of the owner alone. */
  readonly migrate: string;
  /** The login of running services: a member of the role for rows alone. */
  readonly run: string;
}

/**
 * The names of a module's roles. Roles belong to the whole server, so all names but the owner's end with a hash of the
 * database's name: a login of one database must have no rights in another. With the longest schema name they have at
 * most the 63 bytes of a name.
 */
export function moduleRoles(database: string, schema: string): ModuleRoles {
  const hash = createHash('sha256').update(database).digest('hex').slice(0, 8);
  return {
    owner: `fledge_${schema}`,
    rows: `fledgerows_${schema}_${hash}`,
    migrate: `fledgemigrate_${schema}_${hash}`,
    run: `fledgerun_${schema}_${hash}`,
  };
}

/** Functions with which everybody may create large objects, unless an administrator takes that away. */
const LARGE_OBJECT_MAKERS = ['lo_creat(integer)', 'lo_create(oid)', 'lo_from_bytea(oid, bytea)'];

/** Takes from everybody what lets a login create something in the database: temporary tables, large objects. */
export const CLOSE_LARGE_OBJECTS = `revoke execute on function ${LARGE_OBJECT_MAKERS.map((name) => `pg_catalog.${name}`).join(', ')} from public`;

/**
 * SQL for an administrator that makes a schema, an owner and two logins for each module: one to migrate with, one to
 * run with. The same text for the same arguments; it may be run again, and contains no passwords.
 * @param schemas the schemas of modules, which are their names.
 */
export function databaseRolesSql(database: string, schemas: readonly string[]): string {
  const parts = schemas.map((schema) => ofModule(schema, moduleRoles(database, schema)));
  const logins = schemas.flatMap((schema) => {
    const { migrate, run } = moduleRoles(database, schema);
    return [migrate, run];
  });
  return [
    `-- The roles of each module in the database ${quoted(database)}, for an administrator (a superuser) who is connected to it.`,
    `-- Then give each login a password (\\password ${schemas[0] === undefined ? '…' : moduleRoles(database, schemas[0]).run}), migrate with the first`,
    '-- of a module (fledge migration run <module> --database-url …), and run its service with the second.',
    `revoke all on database ${quoted(database)} from public;`,
    'revoke all on schema public from public;',
    `${CLOSE_LARGE_OBJECTS};`,
    '',
    ...parts,
    `grant connect on database ${quoted(database)} to ${logins.map(quoted).join(', ')};`,
    '',
  ].join('\n');
}

function ofModule(schema: string, { owner, rows, migrate, run }: ModuleRoles): string {
  return [
    `-- ${schema}`,
    ...[`${quoted(owner)} nologin`, `${quoted(rows)} nologin`, `${quoted(migrate)} login`, `${quoted(run)} login`].map(
      (role) => `do $$ begin create role ${role}; exception when duplicate_object then null; end $$;`,
    ),
    `grant ${quoted(owner)} to ${quoted(migrate)};`,
    `grant ${quoted(rows)} to ${quoted(run)};`,
    `create schema if not exists ${quoted(schema)} authorization ${quoted(owner)};`,
    `revoke all on schema ${quoted(schema)} from public;`,
    '',
  ].join('\n');
}

/** A name as SQL takes it, whatever is in it. */
export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
