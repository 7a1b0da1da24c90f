import { BlockList, isIP } from 'node:net';
import { plainAddress } from './client-key.js';

/** Whether an address is that of a proxy that names its clients truly. */
export type TrustsProxy = (address: string | undefined) => boolean;

/** An address or a network, `10.0.0.0/8`, as its parts; `undefined` if it is neither. */
export function networkOf(text: string): { address: string; prefix: number; family: 'ipv4' | 'ipv6' } | undefined {
  const [, address = '', digits] = /^([0-9A-Fa-f.:]+)(?:\/([0-9]{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0) return undefined;
  const bits = version === 4 ? 32 : 128;
  const prefix = digits === undefined ? bits : Number(digits);
  return prefix > bits ? undefined : { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/**
 * Tells whether an address belongs to one of the addresses and networks; an IPv4 address is the same in IPv6's form.
 * What is neither an address nor a network is left out.
 */
export function trustOf(proxies: readonly string[]): TrustsProxy {
  const list = new BlockList();
  for (const network of proxies.map(networkOf))
    if (network) list.addSubnet(network.address, network.prefix, network.family);
  return (address = '') => {
    const plain = plainAddress(address);
    const version = isIP(plain);
    return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
  };
}
