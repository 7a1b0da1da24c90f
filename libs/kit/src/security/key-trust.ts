import { type DynamicModule, Module } from '@nestjs/common';
import { type CompiledMessage, type ModuleServer } from '../boundary/index.js';
import { type Class, messageSpec, SigningKeys } from '../contract/index.js';
import type { KeySource } from './key-ring.js';
import type { KeySets } from './trust/key-set.js';

/** What a module's authentication needs to verify where the keys for users' tokens come from. */
export const KEY_TRUST = Symbol('fledge:key-trust');

export interface KeyTrust {
  /** The module that authenticates. */
  readonly module: string;
  readonly keySets: KeySets;
}

@Module({})
class KeyTrustModule {}

/** Lets the authentication of a module verify key sets. */
export function keyTrustModule(trust: KeyTrust): DynamicModule {
  return {
    module: KeyTrustModule,
    global: true,
    providers: [{ provide: KEY_TRUST, useValue: trust }],
    exports: [KEY_TRUST],
  };
}

/**
 * How the answers of a query for keys are verified: not without pinned keys, nor in the module that answers it, which
 * asks itself.
 */
export function provenBy(query: Class, trust: KeyTrust | undefined): Pick<KeySource, 'proven'> {
  const [issuer] = messageSpec(query)?.name.split('.') ?? [];
  if (trust === undefined || issuer === undefined || issuer === trust.module) return {};
  return { proven: (answer) => trust.keySets.proven(issuer, answer) };
}

/** Signs every key set that a module answers to other processes. Called before the module is served. */
export function proveKeySets(server: ModuleServer, keySets: KeySets): void {
  for (const message of server.messages.filter(answersKeys)) {
    const handler = server.handlerOf(message);
    if (handler)
      server.handle(message, {
        execute: async (input) => {
          const answer = await handler.execute(input);
          // anything else is refused as a wrong result, as without keys
          return answer instanceof SigningKeys ? keySets.prove(server.module, answer) : answer;
        },
      });
  }
}

function answersKeys({ result }: CompiledMessage): boolean {
  return result === SigningKeys;
}
