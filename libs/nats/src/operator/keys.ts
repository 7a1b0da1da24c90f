import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '@fledge/kit/contract';
import type { SystemGraph } from '@fledge/kit/transport';
import { nkeys } from '@nats-io/transport-node';
import { usersOf } from './system-graph.js';

/** The file of a user's seed: a secret, which only that user's processes get. */
export function seedFileOf(folder: string, user: string): string {
  return join(folder, `${user}.nk`);
}

/** Makes a key pair for each user that has none yet, and returns who got one. Seeds can be read by their owner alone. */
export function makeKeys(graph: SystemGraph, folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return usersOf(graph).filter((user) => {
    const file = seedFileOf(folder, user);
    try {
      writeFileSync(file, `${new TextDecoder().decode(nkeys.createUser().getSeed())}\n`, { flag: 'wx', mode: 0o600 });
      chmodSync(file, 0o600);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  });
}

/** The public keys of all users. @throws StartupError for a missing or broken seed. */
export function publicKeys(graph: SystemGraph, folder: string): ReadonlyMap<string, string> {
  return new Map(usersOf(graph).map((user) => [user, publicKeyOf(readSeed(seedFileOf(folder, user)), user)]));
}

/** Reads the seed of an nkey. @throws StartupError if the file cannot be read. */
export function readSeed(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new StartupError(
      'nats-seed',
      `the seed of an nkey cannot be read from ${file}: ${(error as Error).message}`,
      "Make the keys first: 'fledge nats keys'; or correct `nats.seedFile` of the topology.",
    );
  }
}

function publicKeyOf(seed: string, user: string): string {
  try {
    return nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey();
  } catch {
    throw new StartupError(
      'nats-seed',
      `the key of ${user} is not the seed of an nkey`,
      "Delete its file and run 'fledge nats keys' again.",
    );
  }
}
