/**
 * Makes an authority and certificates for development and tests: ECDSA on P-256, files that only this account can read.
 * Nobody else must trust this authority, since its key lies beside it.
 */
import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const DAY_MS = 86_400_000;
/** How long each is valid, and how near its end it is made anew. */
const AUTHORITY = { name: 'Fledge development authority', days: 730, renewDays: 120 };
const LEAF = { days: 90, renewDays: 30 };
/** A clock of another machine may be late. */
const EARLY_MS = 3_600_000;
/** See `index.d.mts`. */
export const LOCAL_HOSTS = ['localhost', '127.0.0.1', '::1'];

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** See `index.d.mts`. */
export async function developmentCertificates(
  folder,
  { hosts = LOCAL_HOSTS, now = Date.now(), days = LEAF.days } = {},
) {
  const dir = resolve(folder);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const made = [];
  const at = (name) => ({ cert: join(dir, `${name}.pem`), key: join(dir, `${name}.key`) });
  const ca = await authority(at('ca'), now, made);
  const plans = [
    { name: 'server', subject: 'localhost', hosts, usage: '1.3.6.1.5.5.7.3.1' },
    { name: 'client', subject: 'fledge-development', hosts: [], usage: '1.3.6.1.5.5.7.3.2' },
  ];
  for (const plan of plans) {
    const files = at(plan.name);
    if (await isGood(files, LEAF.renewDays, now, ca.certificate, plan.hosts)) continue;
    await writePair(files, await leaf(ca, plan, now, days));
    made.push(files.cert);
  }
  return { ca: at('ca').cert, server: at('server'), client: at('client'), made };
}

/** See `index.d.mts`. */
export function natsServerTls({ ca, server }) {
  return `tls { cert_file: "${server.cert}", key_file: "${server.key}", ca_file: "${ca}", verify: true, timeout: 5 }\n`;
}

async function authority(files, now, made) {
  if (!(await isGood(files, AUTHORITY.renewDays, now))) {
    const { X509CertificateGenerator, ...x509 } = await library();
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name: `CN=${AUTHORITY.name}`,
      ...validity(now, AUTHORITY.days),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    await writePair(files, { cert: certificate.toString('pem'), key: await pemOf(keys.privateKey) });
    made.push(files.cert);
  }
  const der = createPrivateKey(await readFile(files.key, 'utf8')).export({ type: 'pkcs8', format: 'der' });
  return {
    certificate: new X509Certificate(await readFile(files.cert)),
    key: await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']),
  };
}

async function leaf(ca, { subject, hosts, usage }, now, days) {
  const { X509CertificateGenerator, X509Certificate: Parsed, ...x509 } = await library();
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const issuer = new Parsed(ca.certificate.raw);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${subject}`,
    issuer: issuer.subject,
    ...validity(now, days),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: ca.key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      ...(hosts.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(hosts.map(generalName))]),
    ],
  });
  return { cert: certificate.toString('pem'), key: await pemOf(keys.privateKey) };
}

/** Whether a certificate and its key are there, belong together, and are good for a while. */
async function isGood({ cert, key }, renewDays, now, issuer, hosts = []) {
  try {
    const certificate = new X509Certificate(await readFile(cert));
    if (!certificate.checkPrivateKey(createPrivateKey(await readFile(key, 'utf8')))) return false;
    if (issuer !== undefined && !certificate.verify(issuer.publicKey)) return false;
    if (!hosts.every((host) => certificate.checkHost(host) ?? certificate.checkIP(host))) return false;
    return Date.parse(certificate.validTo) - now > renewDays * DAY_MS;
  } catch {
    // missing or broken: it is made anew
    return false;
  }
}

/** The library needs `reflect-metadata`, and takes a moment to load: only for those who make certificates. */
async function library() {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto);
  return x509;
}

function validity(now, days) {
  return {
    notBefore: new Date(Math.min(now, now + days * DAY_MS) - EARLY_MS),
    notAfter: new Date(now + days * DAY_MS),
  };
}

/** Positive, as a serial number must be. */
function serial() {
  return `01${randomBytes(15).toString('hex')}`;
}

function generalName(host) {
  return { type: /^[\d.]+$|:/.test(host) ? 'ip' : 'dns', value: host };
}

async function pemOf(key) {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' });
}

/** The key first: whoever watches the files uses them when they fit each other. */
async function writePair(files, { cert, key }) {
  await replace(files.key, key);
  await replace(files.cert, `${cert.trim()}\n`);
}

async function replace(file, text) {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
