import { StartupError } from '../contract/index.js';

const UNTRUSTED: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
]);

/**
 * What a connection failed of, if that was TLS: an error that says what the other end did and which setting to look at.
 * @param error as the client reported it; its causes are looked at, too.
 * @param peer the other end, without a password: `NATS at tls://broker:4222`.
 * @param setting where this end's files are named: `nats.tls`.
 */
export function tlsFailure(error: unknown, peer: string, setting: string): StartupError | undefined {
  for (const one of chainOf(error)) {
    const failure = explained(one, peer, setting);
    if (failure === undefined) continue;
    failure.cause = error;
    return failure;
  }
  return undefined;
}

function explained({ code, text }: Told, peer: string, setting: string): StartupError | undefined {
  const data = { peer, setting };
  if (UNTRUSTED.has(code))
    return new StartupError(
      'tls-untrusted',
      `${peer} shows a certificate that no trusted authority has signed: ${text}`,
      `Name the authority of its certificate in ${setting}.ca.`,
      data,
    );
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return new StartupError(
      'tls-expired',
      `${peer} shows a certificate that is not valid now: ${text}`,
      'Renew the certificate of the server, or correct the clock of this machine.',
      data,
    );
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return new StartupError(
      'tls-name',
      `${peer} shows a certificate for another name: ${text}`,
      'Connect by a name that the certificate has, or give the server one with this name.',
      data,
    );
  if (/alert certificate required|alert bad certificate|alert handshake failure|valid client certificate/i.test(text))
    return new StartupError(
      'tls-client-certificate',
      `${peer} requires a client certificate that it trusts: ${text}`,
      `Name one, and its key, in ${setting}.cert and ${setting}.key; an authority of the server must have signed it.`,
      data,
    );
  if (/alert unknown ca|alert certificate expired/i.test(text))
    return new StartupError(
      'tls-client-certificate',
      `${peer} refuses the client certificate of ${setting}.cert: ${text}`,
      'Use one that is valid, and that an authority of the server has signed.',
      data,
    );
  if (/does not support ('tls'|SSL connections)/.test(text))
    return new StartupError(
      'tls-unsupported',
      `${peer} does not take TLS connections, which ${setting} requires`,
      `Switch TLS on at the server, or leave ${setting} out.`,
      data,
    );
  return undefined;
}

interface Told {
  readonly code: string;
  readonly text: string;
}

const DEPTH_MAX = 8;

/** An error and its causes; Node combines the failures of several addresses. */
function chainOf(error: unknown, depth = 0): readonly Told[] {
  if (depth > DEPTH_MAX || typeof error !== 'object' || error === null) return [];
  const { code, message, cause, errors } = error as {
    code?: unknown;
    message?: unknown;
    cause?: unknown;
    errors?: unknown;
  };
  return [
    { code: String(code), text: String(message) },
    ...chainOf(cause, depth + 1),
    ...(Array.isArray(errors) ? errors.flatMap((one) => chainOf(one, depth + 1)) : []),
  ];
}
