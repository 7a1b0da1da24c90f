import { parseArgs } from 'node:util';
import { Logger } from '@nestjs/common';
import { describeMessage, FledgeError, redacted, StartupError } from '../contract/index.js';
import { runningEmbeddedPostgres, startEmbeddedPostgres, type EmbeddedPostgres } from '../data/index.js';
import { startSdk, type StopTracing } from '../observe/index.js';
import { checkDatabaseTls, readTlsFiles } from '../tls/index.js';
import {
  databaseUrlsOf,
  EXIT_CONFIG,
  loadTopology,
  resolveSecrets,
  serviceNamed,
  type Topology,
  usesEmbedded,
} from '../topology/index.js';
import { ADOPT_VARIABLE } from '../transport/index.js';
import type { Application } from './application.js';
import { checkAgainstApplication, knownTo, namesOf } from './check-topology.js';
import { chooseTransport, knownTransports, loadNats } from './choose-transport.js';
import { withAccessDeclared } from './declared-access.js';
import { deployedVersion } from './deployed-version.js';
import { Host } from './host.js';
import { MIGRATION_OPTIONS, migrateApplication, type MigrationDatabase } from './migrate-application.js';
import { NATS_OPTIONS, operateNats } from './operate-nats.js';
import { refuseInProduction } from './production.js';
import { logsJson, QuietLogger } from './quiet-logger.js';
import { refuseSecondCopies } from './second-copies.js';
import { trustOptionsOf } from './trust-of-topology.js';

/** Where the embedded PostgreSQL keeps its data when a service starts it itself. */
const DATA_FOLDER = '.data/postgres';

/**
 * The `main` of an application: reads `--topology` and `--service` (or `FLEDGE_TOPOLOGY` and `FLEDGE_SERVICE`), hosts
 * the service's modules, and drains on SIGTERM and SIGINT. Exit codes: 0 after a drain, 78 for a problem that must be
 * fixed first. `--check` checks the whole file, including the settings of every module, and starts nothing.
 * `--list-modules` prints the modules with their routes and the transports of the application as JSON; `--contracts`
 * prints every message with its JSON Schemas, for callers in other languages. `--migration run|revert|show|changes` does
 * what `fledge migration` does, also where that command is not installed, on the database of
 * `FLEDGE_MIGRATION_DATABASE_URL` if that is set. `--nats keys|config|provision` does what `fledge nats` does.
 *
 * If the standard environment variables of OpenTelemetry ask for traces, it starts the SDK, which must be installed;
 * one that the application has registered itself is used instead.
 */
export async function runApplication(application: Application): Promise<void> {
  return run(withAccessDeclared(application));
}

async function run(application: Application): Promise<void> {
  let isService = false;
  try {
    const { values } = parseArgs({
      options: {
        topology: { type: 'string' },
        service: { type: 'string' },
        check: { type: 'boolean' },
        'list-modules': { type: 'boolean' },
        contracts: { type: 'boolean' },
        ...MIGRATION_OPTIONS,
        ...NATS_OPTIONS,
      },
    });
    if (values['list-modules']) return listModules(application);
    if (values.contracts) return printContracts(application);
    const file = values.topology ?? process.env.FLEDGE_TOPOLOGY ?? 'config/monolith.yaml';
    if (values.migration !== undefined)
      return await migrateApplication(application, values, () => databaseOf(application, file));
    if (values.nats !== undefined)
      return await operateNats(application, readTopology(application, file), values, loadNats);
    if (values.check) await checkedTopology(application, file);
    else {
      isService = true;
      await runService(application, file, values.service ?? process.env.FLEDGE_SERVICE);
    }
  } catch (error) {
    complain(error, isService);
    process.exitCode = error instanceof StartupError || isArgumentError(error) ? EXIT_CONFIG : 1;
    // A half-open pool or socket must not keep a failed start alive.
    setImmediate(() => process.exit());
  }
}

function listModules(application: Application): void {
  const modules = application.modules.map(({ contract }) => ({ name: contract.name, routes: contract.routes }));
  process.stdout.write(`${JSON.stringify({ modules, transports: knownTransports(application) })}\n`);
}

function printContracts(application: Application): void {
  const contracts = application.modules.map(({ contract }) => ({
    name: contract.name,
    routes: contract.routes,
    messages: contract.messages.map(describeMessage),
  }));
  process.stdout.write(`${JSON.stringify({ contracts }, undefined, 2)}\n`);
}

async function runService(application: Application, file: string, name: string | undefined): Promise<void> {
  // Until the host has started there is nothing to drain: a signal, or the end of its supervisor, ends the process at
  // once. As the first process of a container it would not even get a signal for which it has no handler.
  const leave = (): void => process.exit(1);
  process.on('SIGTERM', leave).on('SIGINT', leave);
  if (process.connected === false) leave();
  if (process.connected) process.on('disconnect', leave);
  if (process.argv[1] !== undefined) refuseSecondCopies(process.argv[1]);
  const logger = new QuietLogger();
  Logger.overrideLogger(logger);
  const topology = readTopology(application, file);
  const service = serviceNamed(topology, name);
  logger.service = service.name;
  const { databaseUrls, settings } = resolveSecrets(topology, service.modules);
  const loaded = await checkAgainstApplication(application, topology, service.modules, settings);
  const version = application.version ?? deployedVersion(process.argv[1] ?? '');
  const transport = await chooseTransport(application, topology, service, version);
  const trust = trustOptionsOf(topology, service.name, process.env);
  if (!trust && topology.services.length > 1)
    new Logger('trust').warn(
      `${topology.file} pins no keys: whoever reaches the broker can act as any user. See the guide 'Trust between services'.`,
    );
  const stopTracing = await startSdk({ namespace: topology.namespace, name: service.name, version });
  checkTlsOf(topology, Object.values(databaseUrls));
  await refuseInProduction({ topology, service, loaded, databaseUrls });
  const postgres = usesEmbedded(topology)
    ? await startEmbeddedPostgres({ dir: DATA_FOLDER, keepUp: (line) => new Logger('postgres').warn(line) })
    : undefined;
  const host = new Host({
    application,
    modules: service.modules,
    transport,
    database: {
      url: topology.database.url ?? postgres?.url,
      modules: databaseUrls,
      logins: topology.database.logins ?? (postgres ? 'own' : 'shared'),
      poolMax: topology.database.poolMax,
    },
    http: topology.http,
    settings,
    drain: topology.drain,
    calls: topology.calls,
    retention: topology.retention,
    trust,
    deployment:
      topology.deployment === undefined ? undefined : { id: topology.deployment, adopts: process.env[ADOPT_VARIABLE] },
    logger,
  });
  const stop = stopOnce(host, postgres, stopTracing);
  try {
    await host.start();
  } catch (error) {
    await postgres?.stop();
    throw error;
  }
  process.off('SIGTERM', leave).off('SIGINT', leave).on('SIGTERM', stop).on('SIGINT', stop);
  // The services of a supervisor that was killed end with it.
  if (process.connected) process.off('disconnect', leave).on('disconnect', stop);
  new Logger('host').log(
    `${service.name} is ready: ${service.modules.join(', ')} on ${topology.http.tls ? 'https' : 'http'}://${topology.http.host}:${host.port}${host.adminPort === undefined ? '' : `, health and metrics on port ${host.adminPort}`}`,
  );
}

/** Checks the files of every TLS connection before the first is opened. @throws StartupError */
function checkTlsOf(topology: Topology, databaseUrls: readonly string[]): void {
  const { file, nats, database, http, transport } = topology;
  if (nats.tls && transport === 'nats') readTlsFiles(nats.tls, 'nats.tls');
  if (http.tls) readTlsFiles(http.tls, 'http.tls');
  for (const url of [database.url, ...databaseUrls]) if (url !== undefined) checkDatabaseTls(url);
  if (database.tls && usesEmbedded(topology))
    throw new StartupError(
      'database-tls',
      `${file} has database.tls, but no database is configured, and the embedded PostgreSQL of a process takes no TLS connections`,
      'Set DATABASE_URL, or start with `fledge start --tls`, whose PostgreSQL takes them.',
    );
}

/** The database to migrate: another user's URL, that of the topology, or the embedded PostgreSQL, which it may start. */
async function databaseOf(application: Application, file: string): Promise<MigrationDatabase> {
  const given = process.env.FLEDGE_MIGRATION_DATABASE_URL;
  if (given) return { urlOf: () => given, close: () => Promise.resolve() };
  const topology = readTopology(application, file);
  const { url } = topology.database;
  if (!usesEmbedded(topology))
    return {
      urlOf: (module) => {
        const own = databaseUrlsOf(topology, [module])[module] ?? url;
        if (own !== undefined) checkDatabaseTls(own);
        return own;
      },
      close: () => Promise.resolve(),
    };
  const running = await runningEmbeddedPostgres(DATA_FOLDER);
  if (running !== undefined) return { urlOf: () => running, close: () => Promise.resolve() };
  const postgres = await startEmbeddedPostgres({ dir: DATA_FOLDER });
  return { urlOf: () => postgres.url, close: () => postgres.stop() };
}

function readTopology(application: Application, file: string): Topology {
  return loadTopology(file, knownTo(application));
}

async function checkedTopology(application: Application, file: string): Promise<void> {
  const topology = readTopology(application, file);
  const modules = namesOf(application);
  // the database URLs too: what a start would lack is said before anything runs
  const { settings } = resolveSecrets(topology, modules);
  await checkAgainstApplication(application, topology, modules, settings);
}

/** Drains at the first signal; the process ends when everything has ended, or at once at the second signal. */
function stopOnce(host: Host, postgres: EmbeddedPostgres | undefined, stopTracing: StopTracing): () => void {
  let stopping = false;
  return () => {
    if (stopping) process.exit(130);
    stopping = true;
    void host
      .close()
      .then(() => postgres?.stop())
      .then(stopTracing)
      .then(
        () => process.exit(0),
        (error: unknown) => {
          complain(error, true);
          process.exit(1);
        },
      );
  };
}

/** Says why the process ends: in the log of a service, which may be JSON; otherwise to whoever gave the command. */
function complain(error: unknown, isService: boolean): void {
  if (isService && logsJson()) Logger.fatal(explain(error), 'host');
  else process.stderr.write(`${explain(error)}\n`);
}

/** One clear line for an error with a known cause and fix; the stack for an unexpected one. */
function explain(error: unknown): string {
  return redacted(explanationOf(error));
}

function explanationOf(error: unknown): string {
  if (error instanceof FledgeError) return `${error.message}\n  ${error.hint}`;
  if (isArgumentError(error)) return `${error.message}\n  Usage: main.js --topology <file> --service <name>`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function isArgumentError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('ERR_PARSE_ARGS')
  );
}
