import { StartupError } from '@fledge/kit/operations';

/** A command of `fledge`. */
export interface Command {
  readonly name: string;
  /** Its arguments, for the usage line: `[topology]`. */
  readonly takes: string;
  /** One line for `fledge help`. */
  readonly summary: string;
  /** Loads its code and runs it; resolves with the exit code. A `FledgeError` that it throws is printed as one line. */
  run(args: readonly string[]): Promise<number>;
}

/**
 * The error for wrong arguments of a command: exit code 2. `usage` is its whole usage line: `fledge topology
 * <topology>`.
 */
export function usageError(usage: string, message: string): StartupError {
  return new StartupError('usage', message, `Usage: ${usage}.`);
}
