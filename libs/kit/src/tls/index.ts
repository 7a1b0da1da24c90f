export { checkDatabaseTls, DATABASE_TLS, withDatabaseTls } from './database-tls.js';
export { tlsFailure } from './tls-failure.js';
export { readTlsFiles, type TlsFiles } from './tls-files.js';
export { watchTlsFiles } from './watch-tls-files.js';
