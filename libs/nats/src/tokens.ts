import { randomBytes } from 'node:crypto';

const POOL_BYTES = 4_096;
/** Characters of a call's token: 64 random bits. */
export const TOKEN_CHARS = 16;
const PROCESS_PART_BYTES = 16;

let pool = '';
let taken = 0;

/** A text that nobody can guess, for one call; cut from a pool, since each question to the system's source costs. */
export function callToken(): string {
  if (taken === pool.length) {
    pool = randomBytes(POOL_BYTES).toString('hex');
    taken = 0;
  }
  return pool.slice(taken, (taken += TOKEN_CHARS));
}

/** A text that nobody can guess, for a process: letters, digits, `-` and `_`. */
export function processToken(): string {
  return randomBytes(PROCESS_PART_BYTES).toString('base64url');
}
