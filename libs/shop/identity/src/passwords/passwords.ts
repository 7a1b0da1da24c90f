import { randomBytes } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Algorithm, hash, type Options, verify } from '@node-rs/argon2';

/** argon2id with 19 MiB, two passes, one lane: the first choice of OWASP's Password Storage Cheat Sheet. About 40 ms here. */
const PARAMETERS: Options = { algorithm: 2 satisfies Algorithm.Argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Hashes passwords and checks them. Runs on libuv's threads, four at a time, so it takes 80 MiB at most. */
@Injectable()
export class Passwords implements OnModuleInit {
  private nobody!: string;

  async onModuleInit(): Promise<void> {
    this.nobody = await this.hash(randomBytes(24).toString('base64'));
  }

  /** A PHC string with its own random salt. */
  hash(password: string): Promise<string> {
    return hash(password.normalize('NFC'), PARAMETERS);
  }

  /** Whether the password has this hash. Takes as long without a hash, so that time does not tell which users exist. */
  async matches(password: string, passwordHash: string | undefined): Promise<boolean> {
    const matched = await verify(passwordHash ?? this.nobody, password.normalize('NFC'));
    return matched && passwordHash !== undefined;
  }
}
