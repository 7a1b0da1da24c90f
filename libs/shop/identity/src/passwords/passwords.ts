import { randomBytes } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Algorithm, hash, type Options, verify } from '@node-rs/argon2';
import { type HashingLimits, HashingQueue, type HashingRequest } from './hashing-queue.js';

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

/** The limits of each replica. */
const LIMITS: HashingLimits = {
  // Hashing runs on libuv's threads, four by default, which verifying tokens and opening database connections need too:
  // a rush of log-ins on all four would stop the rest of the process.
  runningMax: 2,
  // about as many as can be hashed in `waitMaxMs`
  waitingMax: 256,
  waitMaxMs: 5_000,
  // all that one client can do to the others is to let them wait for a second
  perClientMax: 64,
  perAccountMax: 8,
};

/** Hashes passwords and checks them, a few at a time, off the event loop. Errors: see `HashingQueue`. */
@Injectable()
export class Passwords implements OnModuleInit {
  private readonly queue = new HashingQueue(LIMITS);
  private nobody!: string;

  async onModuleInit(): Promise<void> {
    this.nobody = await this.hash(randomBytes(24).toString('base64'));
  }

  /** How many wait. */
  get waiting(): number {
    return this.queue.waiting;
  }

  /** A PHC string with its own random salt. */
  hash(password: string, request: HashingRequest = {}): Promise<string> {
    return this.queue.run(request, () => hash(password.normalize('NFC'), PARAMETERS));
  }

  /**
   * Whether the password has this hash. Takes the same time without a hash, so that timing does not reveal which users
   * exist.
   */
  async matches(password: string, passwordHash: string | undefined, request: HashingRequest = {}): Promise<boolean> {
    const matched = await this.queue.run(request, () => verify(passwordHash ?? this.nobody, password.normalize('NFC')));
    return matched && passwordHash !== undefined;
  }
}
