import { networkOf } from './trusted-proxies.js';

/** A value that was read, or why it could not be. `fact` and `cure` are sentences without their full stop. */
export type Read<T> = { readonly value: T } | { readonly fact: string; readonly cure: string };

/** Reads one value of the file. `key` is its path, `http.port`, for messages. */
export type ValueReader<T> = (value: unknown, key: string) => Read<T>;

const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/**
 * A time with its unit, as milliseconds: `250ms`, `1.5s`, `5m`, `1h`, `3d`. The bounds are written the same way and are
 * inclusive.
 */
export function duration(min: string, max: string): ValueReader<number> {
  return quantity('duration', DURATION_MS, "'250ms', '10s' or '5m'", min, max);
}

/** A size with its unit, as bytes: `512B`, `256KiB`, `1MiB`. The bounds are written the same way and are inclusive. */
export function size(min: string, max: string): ValueReader<number> {
  return quantity('size', SIZE_BYTES, "'512B', '256KiB' or '1MiB'", min, max);
}

function quantity(
  noun: string,
  units: Readonly<Record<string, number>>,
  examples: string,
  min: string,
  max: string,
): ValueReader<number> {
  const [least, most] = [parse(min, units) ?? 0, parse(max, units) ?? Infinity];
  return (value, key) => {
    const amount = typeof value === 'string' ? parse(value, units) : value === 0 ? 0 : undefined;
    if (amount === undefined) {
      const fact =
        typeof value === 'number'
          ? `${key} is ${value} without a unit`
          : `${key} is ${shown(value)}, which is not a ${noun}`;
      return { fact, cure: `Write it with its unit (${Object.keys(units).join(', ')}), as in ${examples}` };
    }
    return amount < least || amount > most
      ? { fact: `${key} is ${shown(value)}`, cure: `It may be ${min} to ${max}` }
      : { value: amount };
  };
}

function parse(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = /^([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+)$/.exec(text) ?? [];
  const scale = unit === undefined ? undefined : units[unit];
  return scale === undefined ? undefined : Math.round(Number(digits) * scale);
}

/** A whole number within inclusive bounds. */
export function count(min: number, max: number): ValueReader<number> {
  return (value, key) =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
      ? { value }
      : { fact: `${key} is ${shown(value)}`, cure: `It may be a whole number from ${min} to ${max}` };
}

/** One of the given words. */
export function oneOf<T extends string>(words: readonly T[]): ValueReader<T> {
  return (value, key) => {
    const found = words.find((word) => word === value);
    return found === undefined
      ? { fact: `${key} is ${shown(value)}`, cure: `It may be ${words.map((word) => `'${word}'`).join(' or ')}` }
      : { value: found };
  };
}

/** A name of a service or namespace: lower-case letters, digits and hyphens, a letter first, 40 at most. */
export const name: ValueReader<string> = (value, key) =>
  typeof value === 'string' && /^[a-z][a-z0-9-]{0,39}$/.test(value)
    ? { value }
    : {
        fact: `${key} is ${shown(value)}, which cannot be a name`,
        cure: 'Use at most 40 lower-case letters, digits and hyphens, starting with a letter',
      };

/** A name, or empty for none, as a variable that is not set. */
export const optionalName: ValueReader<string | undefined> = (value, key) =>
  value === null || value === '' ? { value: undefined } : name(value, key);

/** An address to listen on: an IP address or a host name. */
export const host: ValueReader<string> = (value, key) =>
  typeof value === 'string' && /^[A-Za-z0-9.:-]{1,253}$/.test(value)
    ? { value }
    : {
        fact: `${key} is ${shown(value)}, which is not an address`,
        cure: "Write an IP address or a host name, as in '0.0.0.0'",
      };

/** A PostgreSQL URL; empty for none. Never shown in a message, since it contains a password. */
export const postgresUrl: ValueReader<string | undefined> = (value, key) => {
  if (value === null || value === '') return { value: undefined };
  if (typeof value === 'string' && hasScheme(value, ['postgres:', 'postgresql:'])) return { value };
  return {
    fact: `${key} is not a PostgreSQL URL`,
    cure: "Write it as 'postgres://user:password@host:5432/database', or leave it empty for the embedded PostgreSQL",
  };
};

/**
 * URLs of NATS servers, separated by commas; empty for none. Never shown in a message, since they may contain a
 * password.
 */
export const natsServers: ValueReader<readonly string[]> = (value, key) => {
  if (value === null || value === '') return { value: [] };
  const servers = typeof value === 'string' ? value.split(',').map((server) => server.trim()) : [];
  if (servers.length > 0 && servers.every((server) => hasScheme(server, ['nats:', 'tls:']))) return { value: servers };
  return { fact: `${key} is not a NATS URL`, cure: "Write it as 'nats://host:4222', several separated by commas" };
};

/** Addresses and networks, separated by commas; empty for none. */
export const networks: ValueReader<readonly string[]> = (value, key) => {
  if (value === null || value === '') return { value: [] };
  const list = typeof value === 'string' ? value.split(',').map((network) => network.trim()) : [];
  if (list.length > 0 && list.every((network) => networkOf(network))) return { value: list };
  return {
    fact: `${key} is ${shown(value)}, which is not a list of addresses`,
    cure: "Write it as '10.0.0.0/8, 192.0.2.1', addresses and networks separated by commas",
  };
};

/** The path of a file; empty for none. */
export const filePath: ValueReader<string | undefined> = (value, key) => {
  if (value === null || value === '') return { value: undefined };
  return typeof value === 'string' && value.length <= 4096 && !value.includes('\0')
    ? { value }
    : {
        fact: `${key} is ${shown(value)}, which is not a path`,
        cure: "Write the path of a file, as in 'certs/ca.pem'",
      };
};

/** The seed of an nkey of a user; empty for none. Never shown in a message, since it is a secret. */
export const natsSeed: ValueReader<string | undefined> = (value, key) => {
  if (value === null || value === '') return { value: undefined };
  if (typeof value === 'string' && /^SU[A-Z2-7]{56}$/.test(value.trim())) return { value: value.trim() };
  return {
    fact: `${key} is not the seed of an nkey`,
    cure: "Give it a text that begins with 'SU', of 58 characters, as 'fledge nats keys' makes it",
  };
};

/** Yes or no. */
export const flag: ValueReader<boolean> = (value, key) =>
  typeof value === 'boolean' ? { value } : { fact: `${key} is ${shown(value)}`, cure: 'It may be true or false' };

/** A list of the given words, each once. */
export function listOf(words: readonly string[], noun: string): ValueReader<readonly string[]> {
  return (value, key) => {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    const other = list.find((item) => typeof item !== 'string' || !words.includes(item));
    if (Array.isArray(value) && other === undefined) return { value: [...new Set(list as readonly string[])] };
    return Array.isArray(value)
      ? { fact: `${key} has ${shown(other)}, which is no ${noun}`, cure: `It may have: ${words.join(', ')}` }
      : { fact: `${key} is ${shown(value)}`, cure: `It must be a list, as in [${words.slice(0, 2).join(', ')}]` };
  };
}

function hasScheme(text: string, schemes: readonly string[]): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return schemes.includes(url.protocol) && url.hostname !== '';
}

/** A value as shown in messages. */
export function shown(value: unknown): string {
  if (value === null || value === undefined || value === '') return 'empty';
  if (typeof value === 'string') return `'${value.length > 60 ? `${value.slice(0, 60)}…` : value}'`;
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a map' : JSON.stringify(value);
}
