import { Logger } from '@nestjs/common';
import { StartupError } from '../contract/index.js';
import { isSuperuser } from '../data/index.js';
import type { Service, Topology } from '../topology/index.js';
import type { LoadedModule } from './load-modules.js';
import { secretsIn } from './secret-setting.js';
import { weaknessOf } from './weak-secret.js';

/** Something that must not run in production unless somebody says so. */
export interface ProductionFinding {
  /** How `production: { allow: […] }` names it: lower-case words with hyphens, as in `payments-sandbox`. */
  readonly name: string;
  /** What was found and where, without the value of a secret; a sentence without its full stop. */
  readonly fact: string;
  /** What to do; a sentence without its full stop. */
  readonly cure: string;
}

/**
 * A settings class may implement this: what it returns keeps a process with `NODE_ENV=production` from starting, in one
 * list with all else that was found, unless the topology allows it by name.
 */
export interface ProductionChecked {
  /** Called with the validated settings. Empty if they fit production. */
  productionFindings(): readonly ProductionFinding[];
}

/** What is looked at. */
interface Looked {
  readonly topology: Topology;
  readonly service: Service;
  readonly loaded: readonly Pick<LoadedModule, 'spec' | 'settings'>[];
  /** Of modules that have one of their own. */
  readonly databaseUrls: Readonly<Record<string, string>>;
}

/** A secret, and where it is. */
interface Kept {
  readonly where: string;
  readonly secret: string;
  /** The publicly known value that the module has without a setting. */
  readonly known?: unknown;
}

/**
 * With `NODE_ENV=production`, refuses to start with what is meant for development or a trial; elsewhere it does nothing.
 * @throws StartupError with all that was found.
 */
export async function refuseInProduction(looked: Looked, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  if (env.NODE_ENV !== 'production') return;
  const { topology, databaseUrls } = looked;
  const found = [...ofConnections(looked), ...(await ofUsers(looked)), ...ofSecrets(looked), ...ofModules(looked)];
  const refused = found.filter(({ name }) => !topology.production.allow.includes(name));
  const logger = new Logger('production');
  for (const { name, fact } of found)
    if (!refused.some((one) => one.name === name)) logger.warn(`allowed ${name}: ${fact}`);
  if (refused.length === 0) {
    const shared = looked.service.modules.filter((module) => databaseUrls[module] === undefined);
    if (shared.length > 1 && topology.database.logins !== 'own')
      logger.warn(
        `${shared.join(', ')} share one database user, so SQL injected into one reaches the others: give each a URL (database.modules), or set database.logins to own`,
      );
    return;
  }
  throw new StartupError(
    'production',
    [
      `${topology.file} is not fit for production:`,
      ...refused.map(({ name, fact, cure }) => `  ${name}: ${fact}. ${cure}.`),
    ].join('\n'),
    `Correct them. What is meant to be so is allowed by name: production: { allow: [${[...new Set(refused.map(({ name }) => name))].join(', ')}] }.`,
    { findings: refused },
  );
}

/** The database URLs of a process, with their places. */
function databasesOf({ topology, service, databaseUrls }: Looked): readonly (readonly [where: string, url: string])[] {
  const { url } = topology.database;
  const own = service.modules.flatMap((module): [string, string][] => {
    const one = databaseUrls[module];
    return one === undefined ? [] : [[`database.modules.${module}`, one]];
  });
  return [
    ...(url === undefined || own.length === service.modules.length ? [] : [['database.url', url] as const]),
    ...own,
  ];
}

function ofConnections(looked: Looked): ProductionFinding[] {
  const { topology } = looked;
  // with files for TLS, it is used whatever the URL says
  const brokers = topology.transport === 'nats' && topology.nats.tls === undefined ? topology.nats.servers : [];
  return [
    ...brokers
      .filter((server) => new URL(server).protocol !== 'tls:' && !staysHere(server))
      .map((server) => ({
        name: 'plain-nats',
        fact: `the connection to NATS at ${new URL(server).host} is not encrypted`,
        cure: 'Use a tls:// URL',
      })),
    ...databasesOf(looked)
      .filter(([, url]) => !isEncrypted(url) && !staysHere(url))
      .map(([where, url]) => ({
        name: 'plain-postgres',
        fact: `${where}: the connection to PostgreSQL at ${new URL(url).host} is not encrypted`,
        cure: 'Add ?sslmode=verify-full to its URL',
      })),
  ];
}

function isEncrypted(url: string): boolean {
  const { searchParams } = new URL(url);
  return ['require', 'verify-ca', 'verify-full'].includes(searchParams.get('sslmode') ?? '');
}

/** What goes through this machine's loopback or a socket file is read by nobody else. */
function staysHere(url: string): boolean {
  const { hostname, searchParams } = new URL(url);
  const host = searchParams.get('host') ?? decodeURIComponent(hostname);
  return /^(localhost|127(\.[0-9]{1,3}){3}|\[?::1\]?|\/.*)$/.test(host);
}

async function ofUsers(looked: Looked): Promise<ProductionFinding[]> {
  const found = await Promise.all(
    databasesOf(looked).map(async ([where, url]) =>
      (await isSuperuser(url))
        ? [
            {
              name: 'postgres-superuser',
              fact: `${where}: ${new URL(url).username || 'its user'} is a superuser of PostgreSQL`,
              cure: 'Use a login that has rights in the schemas of its modules alone: fledge database roles prints how',
            },
          ]
        : [],
    ),
  );
  return found.flat();
}

function ofSecrets(looked: Looked): ProductionFinding[] {
  const kept: Kept[] = [
    ...databasesOf(looked).flatMap(([where, url]) => passwordOf(where, url)),
    ...(looked.topology.transport === 'nats' ? looked.topology.nats.servers : []).flatMap((url) =>
      passwordOf('nats.url', url),
    ),
    ...looked.loaded.flatMap(({ spec, settings }) => secretsOf(spec.contract.name, settings)),
  ];
  const weak = kept.flatMap(({ where, secret, known }) => {
    const weakness = weaknessOf(secret, known);
    return weakness === undefined
      ? []
      : [
          {
            name: 'weak-secret',
            fact: `the secret of ${where} ${weakness}`,
            cure: 'Make one at random: openssl rand -base64 24',
          },
        ];
  });
  const repeated = [...new Set(kept.map(({ secret }) => secret))]
    .map((secret) => [...new Set(kept.filter((one) => one.secret === secret).map(({ where }) => where))])
    .filter((places) => places.length > 1)
    .map((places) => ({
      name: 'repeated-secret',
      fact: `${places.join(' and ')} have the same secret`,
      cure: 'Give each its own',
    }));
  return [...weak, ...repeated];
}

function passwordOf(where: string, url: string): Kept[] {
  const { password } = new URL(url);
  return password === '' ? [] : [{ where, secret: decodeURIComponent(password) }];
}

function secretsOf(module: string, settings: object | undefined): Kept[] {
  if (settings === undefined) return [];
  const defaults = new (settings.constructor as new () => object)() as Readonly<Record<string, unknown>>;
  return secretsIn(settings).flatMap((key) => {
    const secret = (settings as Readonly<Record<string, unknown>>)[key];
    if (typeof secret !== 'string' || secret === '') return [];
    return [{ where: `settings.${module}.${key}`, secret, known: defaults[key] }];
  });
}

function ofModules({ loaded }: Looked): readonly ProductionFinding[] {
  return loaded.flatMap(({ settings }) => (isChecked(settings) ? settings.productionFindings() : []));
}

function isChecked(settings: object | undefined): settings is ProductionChecked {
  return typeof (settings as Partial<ProductionChecked> | undefined)?.productionFindings === 'function';
}
