import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { networkOf, StartupError } from '../contract/index.js';

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/** By the adapter of a module's HTTP side. */
const trusted = new WeakMap<object, BlockList>();

/**
 * Sets the proxies whose `X-Forwarded-For` a module believes, as addresses or networks (`10.0.0.0/8`). The own machine,
 * where the front door of `fledge start` runs, is always among them.
 * @throws StartupError for anything that is no address or network.
 */
export function trustProxies(adapter: object, proxies: readonly string[]): void {
  const list = new BlockList();
  for (const proxy of [...LOOPBACK, ...proxies]) {
    const network = networkOf(proxy);
    if (network === undefined)
      throw new StartupError(
        'trusted-proxies',
        `'${proxy}' of trustedProxies is neither an address nor a network`,
        "Write it as in '10.0.0.7' or '10.0.0.0/8'.",
      );
    list.addSubnet(network.address, network.bits, network.family);
  }
  trusted.set(adapter, list);
}

/**
 * The address of a request's client: of the connection, or, if that is of a trusted proxy, the last one in
 * `X-Forwarded-For` that is of none. What a client writes into that header itself is never believed.
 */
export function clientAddress(
  adapter: object,
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
): string {
  const list = trusted.get(adapter);
  let address = plain(socket.remoteAddress ?? '');
  const passed = String(headers['x-forwarded-for'] ?? '').split(',');
  while (list !== undefined && isIP(address) !== 0 && list.check(address, familyOf(address))) {
    const before = plain(passed.pop()?.trim() ?? '');
    if (isIP(before) === 0) break;
    address = before;
  }
  return address;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** An address of IPv4 that a socket of IPv6 shows is one of IPv4. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
