import { createHmac, timingSafeEqual } from 'node:crypto';

/** The header of a webhook's signature: `t=<seconds since 1970>,v1=<hex>`. */
export const SIGNATURE_HEADER = 'payment-signature';
/**
 * Seconds by which the clocks of provider and receiver may differ, and after which a recorded webhook cannot be
 * replayed.
 */
export const TOLERANCE_S = 300;

const FORM = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/;

/** Signs a webhook's body: HMAC-SHA256 over `<seconds>.<body>`. */
export function sign(body: string | Buffer, secret: string, atMs: number): string {
  const seconds = Math.floor(atMs / 1_000);
  return `t=${seconds},v1=${macOf(body, secret, seconds).toString('hex')}`;
}

/** Why a webhook is not from the provider, or too old; `undefined` if it is valid. */
export function faultOf(body: Buffer | undefined, header: unknown, secret: string, atMs: number): string | undefined {
  if (header === undefined) return 'it has no signature';
  const [, seconds, mac] = (typeof header === 'string' && FORM.exec(header)) || [];
  if (seconds === undefined || mac === undefined) return 'its signature is not of the form t=<seconds>,v1=<hex>';
  if (!timingSafeEqual(Buffer.from(mac, 'hex'), macOf(body ?? '', secret, Number(seconds))))
    return 'its signature is not that of its body';
  if (Math.abs(atMs / 1_000 - Number(seconds)) > TOLERANCE_S)
    return `it was signed more than ${TOLERANCE_S} s ago or ahead`;
  return undefined;
}

function macOf(body: string | Buffer, secret: string, seconds: number): Buffer {
  return createHmac('sha256', secret).update(`${seconds}.`).update(body).digest();
}
