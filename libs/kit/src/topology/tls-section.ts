import type { TlsFiles } from '../tls/index.js';
import type { Section } from './section.js';
import type { ServerTlsFiles } from './topology.js';
import { filePath } from './values.js';

/** The files of a client under `tls`; those of the environment if the file names none, and `undefined` without any. */
export function readClientTls(section: Section, env: TlsFiles = {}): TlsFiles | undefined {
  const tls = section.section('tls');
  const files = inUse({
    ca: tls.read('ca', filePath, undefined),
    cert: tls.read('cert', filePath, undefined),
    key: tls.read('key', filePath, undefined),
  });
  tls.refuseUnknownKeys();
  refuseHalf(section, files);
  return files ?? inUse({ ca: env.ca || undefined, cert: env.cert || undefined, key: env.key || undefined });
}

/** The certificate and key of a server under `tls`; like `readClientTls`. */
export function readServerTls(section: Section, env: TlsFiles): ServerTlsFiles | undefined {
  const tls = section.section('tls');
  const files = inUse({ cert: tls.read('cert', filePath, undefined), key: tls.read('key', filePath, undefined) });
  tls.refuseUnknownKeys();
  refuseHalf(section, files);
  const { cert, key } = files ?? { cert: env.cert || undefined, key: env.key || undefined };
  return cert !== undefined && key !== undefined ? { cert, key } : undefined;
}

function refuseHalf(section: Section, files: TlsFiles | undefined): void {
  if (files !== undefined && (files.cert === undefined) !== (files.key === undefined))
    section.add(
      'tls',
      `tls has ${files.cert === undefined ? '`key` without `cert`' : '`cert` without `key`'}`,
      'Name both files, or neither',
    );
}

function inUse(files: TlsFiles): TlsFiles | undefined {
  const named = Object.entries(files).filter(([, file]) => file !== undefined);
  return named.length === 0 ? undefined : Object.fromEntries(named);
}
