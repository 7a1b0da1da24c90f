import { randomBytes } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Algorithm, hash, type Options, verify } from '@node-rs/argon2';
import { TooManyLogIns } from '../../contract/index.js';
import { Gate } from './gate.js';

/**
 * argon2id with 19 MiB, two passes, one lane: the first choice of OWASP's Password Storage Cheat Sheet. Takes 15 to 50
 * ms.
 */
const PARAMETERS: Options = {
  algorithm: 2 satisfies Algorithm.Argon2id,
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
};

/**
 * Passwords hashed at the same time. Hashing runs on libuv's threads, four by default, which verifying tokens and
 * opening database connections need too: a rush of log-ins on all four would stop the rest of the process.
 */
const HASHING_MAX = 2;
/** Passwords that may wait to be hashed: about ten seconds' worth. */
const WAITING_MAX = 500;

/**
 * Hashes passwords and checks them, a few at a time; when too many wait, further ones fail at once with
 * `TooManyLogIns`.
 */
@Injectable()
export class Passwords implements OnModuleInit {
  private readonly gate = new Gate(HASHING_MAX, WAITING_MAX, () => new TooManyLogIns());
  private nobody!: string;

  async onModuleInit(): Promise<void> {
    this.nobody = await this.hash(randomBytes(24).toString('base64'));
  }

  /** A PHC string with its own random salt. */
  hash(password: string): Promise<string> {
    return this.gate.pass(() => hash(password.normalize('NFC'), PARAMETERS));
  }

  /**
   * Whether the password has this hash. Takes the same time without a hash, so that timing does not reveal which users
   * exist.
   */
  async matches(password: string, passwordHash: string | undefined): Promise<boolean> {
    const matched = await this.gate.pass(() => verify(passwordHash ?? this.nobody, password.normalize('NFC')));
    return matched && passwordHash !== undefined;
  }
}
