export { loadTopology, parseTopology, type LoadOptions } from './load-topology.js';
export { DEFAULT_TOPOLOGY, findNamedTopology, isTopologyPath, namedTopologyFile } from './named-topology.js';
export { cureOfUnknown, nearest } from './nearest.js';
export { EXIT_CONFIG, TopologyError, type TopologyProblem } from './topology-error.js';
export { databaseUrlsOf, foreignSecrets, resolveSecrets, settingsWithSecrets } from './secrets.js';
export {
  serviceNamed,
  type DatabaseSettings,
  type DrainSettings,
  type HttpSettings,
  type KnownTransport,
  type NatsSettings,
  type Place,
  type ProductionSettings,
  type RetentionSettings,
  type ServerTlsFiles,
  type SecretSource,
  type Service,
  type Topology,
  type TrustSettings,
  usesEmbedded,
} from './topology.js';
export { SIGNING_KEY_VARIABLE, TRUSTED_KEYS_VARIABLE } from './trust-settings.js';
export type { Environment } from './yaml-source.js';
export { clientKey } from './client-key.js';
export { trustOf, type TrustsProxy } from './trusted-proxies.js';
