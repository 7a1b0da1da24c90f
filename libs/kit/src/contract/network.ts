import { isIP } from 'node:net';

/** An IP address, or a network such as `10.0.0.0/8`. */
export interface Network {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  /** The length of its prefix; all bits for an address. */
  readonly bits: number;
}

/** Reads an address or a network; `undefined` for any other text. */
export function networkOf(text: string): Network | undefined {
  const [, address = '', given] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0) return undefined;
  const all = version === 4 ? 32 : 128;
  const bits = given === undefined ? all : Number(given);
  return bits > all ? undefined : { address, family: version === 4 ? 'ipv4' : 'ipv6', bits };
}
