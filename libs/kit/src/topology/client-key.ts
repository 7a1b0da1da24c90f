import { isIP } from 'node:net';

/** An IPv4 address that a socket of IPv6 shows is one of IPv4. */
export function plainAddress(ip: string): string {
  return ip.replace(/^::ffff:(?=[0-9.]+$)/i, '');
}

/**
 * The form of an address by which clients are told apart: an IPv4 address, or the first 64 bits of an IPv6 address, of
 * which one client has as many as it likes.
 */
export function clientKey(ip: string): string {
  const plain = plainAddress(ip);
  if (isIP(plain) !== 6) return plain;
  const [head = '', tail] = plain.toLowerCase().split('%', 1)[0]?.split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const last = tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0);
    groups.push(...Array<string>(8 - groups.length - last).fill('0'), ...tail.split(':'));
  }
  const network = groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
