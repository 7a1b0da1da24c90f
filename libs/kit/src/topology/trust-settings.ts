import type { Section } from './section.js';
import type { Service, TrustSettings } from './topology.js';
import { oneOf, shown, type ValueReader } from './values.js';
import type { Environment } from './yaml-source.js';

/** Base64 of a DER text, which PEM has between its lines. */
const KEY = /^[A-Za-z0-9+/]{40,}={0,2}$/;
const KEYS_MAX = 8;

/** One public key, or several while keys are exchanged; empty for none, as a variable that is not set. */
const publicKeys: ValueReader<readonly string[]> = (value, key) => {
  if (value === null || value === '') return { value: [] };
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts = list.map((one) => (typeof one === 'string' ? one.replace(/-----[A-Z ]+-----|\s/g, '') : ''));
  return texts.length <= KEYS_MAX && texts.every((text) => KEY.test(text))
    ? { value: texts }
    : {
        fact: `${key} is ${shown(value)}, which is not a public key`,
        cure: `Write the base64 of an Ed25519 public key (openssl pkey -in <private key> -pubout), or a list of ${KEYS_MAX} at most`,
      };
};

/** The variable with the private key of a service: a secret of that service alone. */
export const SIGNING_KEY_VARIABLE = 'FLEDGE_SIGNING_KEY';
/** The variable in which `fledge start` hands the keys to its services that it has made for them. */
export const TRUSTED_KEYS_VARIABLE = 'FLEDGE_TRUSTED_KEYS';

/**
 * Reads the public keys of the services. A key under the name of a service speaks for the modules that it hosts here,
 * one under the name of a module for that module.
 */
export function readTrust(
  section: Section,
  services: readonly Service[],
  modules: readonly string[],
  env: Environment,
): TrustSettings {
  const passports = section.read('passports', oneOf(['required', 'offered'] as const), 'required');
  const keys = section.section('keys');
  const pinned = new Map<string, Set<string>>();
  const pin = (name: string, texts: readonly string[]): void => {
    const hosted = services.find((service) => service.name === name)?.modules ?? [];
    for (const module of modules.filter((one) => one === name || hosted.includes(one))) {
      const known = pinned.get(module) ?? new Set();
      pinned.set(module, known);
      for (const text of texts) known.add(text);
    }
  };
  for (const name of new Set([...services.map((service) => service.name), ...modules]))
    pin(name, keys.read(name, publicKeys, []));
  keys.refuseUnknownKeys();
  section.refuseUnknownKeys();
  const isPinned = [...pinned.values()].some((texts) => texts.size > 0);
  if (!isPinned) for (const [name, text] of handedKeys(env)) pin(name, [text]);
  return {
    passports,
    keys: Object.fromEntries(
      [...pinned].filter(([, texts]) => texts.size > 0).map(([module, texts]) => [module, [...texts]]),
    ),
  };
}

/** The keys that a supervisor has made; it also wrote the variable. */
function handedKeys(env: Environment): readonly [name: string, key: string][] {
  const text = env[TRUSTED_KEYS_VARIABLE] ?? '';
  return text.split(' ').flatMap((entry): [string, string][] => {
    const [name = '', key = ''] = entry.split('=', 2);
    return KEY.test(key) ? [[name, key]] : [];
  });
}
