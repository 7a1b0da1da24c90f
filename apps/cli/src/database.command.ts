import { databaseRolesSql, nearest, StartupError } from '@fledge/kit/operations';
import { usageError } from './command.js';
import { type Line, runVerb, type Verb } from './operate/verbs.js';
import { findProject, readTopology, topologyFile } from './project.js';

const ROLES = 'fledge database roles [<module> …] [--database <name>] [--topology <topology>]';

const VERBS: Readonly<Record<string, Verb>> = {
  roles: { usage: ROLES, words: 'any', options: { database: 'text', topology: 'text' }, run: roles },
};

/** `fledge database roles`: prints what an administrator of PostgreSQL runs before the first start. */
export function database(args: readonly string[]): Promise<number> {
  return runVerb('database', VERBS, args);
}

/** Prints SQL that makes a login for each module and purpose: the same text each time, without passwords. */
async function roles(line: Line): Promise<number> {
  const project = findProject();
  const file = topologyFile(project, line.text('topology'));
  process.chdir(project.root);
  const { modules, topology } = await readTopology(project, file);
  const known = modules.map(({ name }) => name).sort();
  for (const name of line.words) {
    if (known.includes(name)) continue;
    const guess = nearest(name, known);
    throw new StartupError(
      'unknown-module',
      `the application has no module '${name}'`,
      guess ? `Did you mean '${guess}'?` : `It has: ${known.join(', ')}.`,
    );
  }
  const { url } = topology.database;
  const name = line.text('database') ?? (url === undefined ? '' : decodeURIComponent(new URL(url).pathname.slice(1)));
  if (name === '')
    throw usageError(ROLES, `${file} names no database; name it with --database, for it is part of the names of roles`);
  process.stdout.write(databaseRolesSql(name, line.words.length > 0 ? [...new Set(line.words)].sort() : known));
  return 0;
}
