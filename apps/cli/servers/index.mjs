/** The servers that development and tests need. */
export {
  cacheFolder,
  findServer,
  INSTALL_TIMEOUT_MS,
  NATS_SERVER_PINGS,
  natsServerPath,
  SERVER_NAMES,
  unpackPackages,
} from './servers.mjs';
export { startNatsServer } from './start-nats-server.mjs';
export { developmentCertificates, LOCAL_HOSTS, natsServerTls } from './certificates.mjs';
