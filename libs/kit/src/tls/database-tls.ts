import { readTlsFiles, type TlsFiles } from './tls-files.js';

/** Where the files of a database's connections are named. */
export const DATABASE_TLS = 'database.tls';

/** The parameters of a PostgreSQL URL, as libpq has them. */
const PARAMETERS = { ca: 'sslrootcert', cert: 'sslcert', key: 'sslkey' } as const;

/** A PostgreSQL URL whose connections verify the server and its name, with the given files. */
export function withDatabaseTls(url: string, files: TlsFiles): string {
  const secure = new URL(url);
  secure.searchParams.set('sslmode', 'verify-full');
  for (const [key, parameter] of Object.entries(PARAMETERS)) {
    const file = files[key as keyof TlsFiles];
    if (file !== undefined) secure.searchParams.set(parameter, file);
  }
  return secure.href;
}

/**
 * Checks the files that a PostgreSQL URL names, before a connection fails of them. @throws StartupError as
 * `readTlsFiles`.
 */
export function checkDatabaseTls(url: string): void {
  if (!URL.canParse(url)) return;
  const { searchParams } = new URL(url);
  const [ca, cert, key] = Object.values(PARAMETERS).map((parameter) => searchParams.get(parameter) || undefined);
  readTlsFiles({ ca, cert, key }, DATABASE_TLS);
}
