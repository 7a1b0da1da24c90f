// Every UTF-16 unit has its place, so that no bound is checked: 1 for a hexadecimal digit.
const HEX = new Uint8Array(65_536);
for (const digit of '0123456789abcdefABCDEF') HEX[digit.charCodeAt(0)] = 1;

const HYPHENS = [8, 13, 18, 23];

/**
 * Whether a text is a UUID in its common spelling, of any version from 1 to 8 (`version` 0) or of the given one. Unrolled: a
 * loop takes twice as long as this, and a regular expression half as much again. The rare spellings that class-validator also
 * takes (nil, max) are left to it.
 */
export const isPlainUuid = compile();

function compile(): (text: string, version: number) => boolean {
  const places = Array.from({ length: 36 }, (_, i) => i);
  const hyphens = places.filter((i) => HYPHENS.includes(i)).map((i) => `s.charCodeAt(${i}) === 45`);
  const digits = places.filter((i) => !HYPHENS.includes(i)).map((i) => `H[s.charCodeAt(${i})]`);
  const body = `'use strict'; return function isPlainUuid(s, version) {
  if (s.length !== 36) return false;
  if (!(${hyphens.join(' && ')})) return false;
  if ((${digits.join(' & ')}) !== 1) return false;
  const digit = s.charCodeAt(14) - 48, variant = s.charCodeAt(19) | 32;
  return (version === 0 ? digit >= 1 && digit <= 8 : digit === version) && (variant === 56 || variant === 57 || variant === 97 || variant === 98);
}`;
  return (new Function('H', body) as (hex: Uint8Array) => (text: string, version: number) => boolean)(HEX);
}
