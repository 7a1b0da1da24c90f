import { getMetadataStorage } from 'class-validator';
import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import type { Class } from './class.js';

/** The rules of each contract class when it was compiled. */
const kept = new WeakMap<Class, readonly ValidationMetadata[]>();

/** Remembers the rules of a class, by which its messages are judged from now on. */
export function keepRules(cls: Class, rules: readonly ValidationMetadata[]): void {
  kept.set(cls, rules);
}

/**
 * Gives class-validator back the rules of a class that were deleted since it was compiled. Its storage is one for all
 * modules of a process: without this, a module that clears it would take the rules away from the others, and only where
 * they share a process.
 */
export function restoreRules(cls: Class): void {
  const rules = kept.get(cls);
  if (rules === undefined) return;
  const storage = getMetadataStorage();
  const present = new Set(storage.getTargetValidationMetadatas(cls, '', false, false));
  for (const rule of rules) if (!present.has(rule)) storage.addValidationMetadata(rule);
}
