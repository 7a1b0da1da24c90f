import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { StartupError } from '../contract/index.js';

/** The files of one end of a TLS connection, PEM each; a relative path starts at the working directory. */
export interface TlsFiles {
  /** The authorities that are trusted instead of those of the system. */
  readonly ca?: string | undefined;
  /** This end's certificate, then those between it and its authority. */
  readonly cert?: string | undefined;
  /** The key of `cert`. */
  readonly key?: string | undefined;
}

const DEVELOPMENT = '`fledge certs dev` makes files for development.';

/**
 * Reads TLS files, and checks what can be known without the other end. `setting` is where they are named, for messages:
 * `nats.tls`.
 * @returns their contents.
 * @throws StartupError with the file and what to do, for a file that is missing or not PEM, a certificate that is not
 * valid now, and a key of another certificate.
 */
export function readTlsFiles({ ca, cert, key }: TlsFiles, setting: string): TlsFiles {
  const contents = {
    ...(ca !== undefined && { ca: certificatesIn(ca, `${setting}.ca`) }),
    ...(cert !== undefined && { cert: certificatesIn(cert, `${setting}.cert`) }),
    ...(key !== undefined && { key: read(key, `${setting}.key`) }),
  };
  if (cert !== undefined && key !== undefined) checkKey(contents, cert, key, setting);
  return contents;
}

function certificatesIn(file: string, setting: string): string {
  const text = read(file, setting);
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const certificates = blocks.map((block) => certificateOf(block, file, setting));
  if (certificates.length === 0) throw notPem(file, setting, 'holds no certificate');
  // a bundle of authorities may hold old ones, as long as one is valid
  const flaws = certificates.map(flawOf);
  const flaw = setting.endsWith('.ca') ? (flaws.includes(undefined) ? undefined : flaws[0]) : flaws[0];
  if (flaw !== undefined)
    throw new StartupError(
      'tls-expired',
      `the certificate in ${resolve(file)} (${setting}) ${flaw}`,
      `Renew it, or correct the clock of this machine. ${DEVELOPMENT}`,
      { setting, file: resolve(file) },
    );
  return text;
}

function certificateOf(block: string, file: string, setting: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (error) {
    throw notPem(file, setting, `holds a certificate that cannot be read: ${(error as Error).message}`);
  }
}

function flawOf({ validFrom, validTo }: X509Certificate): string | undefined {
  const at = Date.now();
  if (at > Date.parse(validTo)) return `has expired: it was valid until ${validTo}`;
  return at < Date.parse(validFrom) ? `is not valid yet: it begins at ${validFrom}` : undefined;
}

function checkKey(contents: TlsFiles, cert: string, key: string, setting: string): void {
  let isOwn: boolean;
  try {
    isOwn = new X509Certificate(contents.cert ?? '').checkPrivateKey(createPrivateKey(contents.key ?? ''));
  } catch (error) {
    throw notPem(key, `${setting}.key`, `holds no private key that can be read: ${(error as Error).message}`);
  }
  if (isOwn) return;
  throw new StartupError(
    'tls-key',
    `the key in ${resolve(key)} (${setting}.key) does not belong to the certificate in ${resolve(cert)} (${setting}.cert)`,
    'Name the key that was made with this certificate.',
    { setting, cert: resolve(cert), key: resolve(key) },
  );
}

function read(file: string, setting: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read by this account' : message;
    throw notPem(file, setting, reason);
  }
}

function notPem(file: string, setting: string, reason: string): StartupError {
  return new StartupError(
    'tls-file',
    `${resolve(file)} (${setting}) ${reason}`,
    `Name a PEM file that this account can read. ${DEVELOPMENT}`,
    { setting, file: resolve(file) },
  );
}
