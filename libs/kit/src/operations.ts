/**
 * For programs that run services on a machine, as opposed to the code inside them: topologies, the embedded PostgreSQL,
 * an HTTP listener. It imports single files of the rooms, not their indexes, so that a supervisor loads neither Nest
 * nor TypeORM.
 * @packageDocumentation
 */
export { redacted } from './contract/redacted.js';
export { FledgeError, StartupError } from './contract/errors.js';
export {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './data/embedded-postgres.js';
export { databaseRolesSql, moduleRoles, type ModuleRoles } from './data/database-roles.js';
export { endWithParent } from './data/end-with-parent.js';
export { freePort, isPortFree } from './data/free-port.js';
export { serverEnvironment } from './data/server-environment.js';
export { mergeOpenApi, type OpenApiDocument } from './http/merged-openapi.js';
export { HttpListener, notFound, type RequestHandler, type UpgradeHandler } from './http/listener.js';
export { PathOwners } from './http/path-owners.js';
export { trustOf, type TrustsProxy } from './topology/trusted-proxies.js';
export { readTlsFiles, watchTlsFiles, withDatabaseTls, type TlsFiles } from './tls/index.js';
export { httpProblem, PROBLEM_TYPE, type Problem } from './http/problem.js';
export { newServiceKeys, type ServiceKeys } from './security/trust/pinned-keys.js';
export {
  DEFAULT_TOPOLOGY,
  EXIT_CONFIG,
  findNamedTopology,
  foreignSecrets,
  isTopologyPath,
  loadTopology,
  nearest,
  serviceNamed,
  SIGNING_KEY_VARIABLE,
  TopologyError,
  TRUSTED_KEYS_VARIABLE,
  usesEmbedded,
  type Environment,
  type KnownTransport,
  type LoadOptions,
  type Place,
  type ProductionSettings,
  type RetentionSettings,
  type SecretSource,
  type Service,
  type Topology,
  type TopologyProblem,
} from './topology/index.js';
