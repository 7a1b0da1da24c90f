import { StartupError } from '@fledge/kit/operations';

/** A command of `fledge`. */
export interface Command {
  readonly name: string;
  /** What stands behind its name: `[topology]`. */
  readonly takes: string;
  /** One line for `fledge help`. */
  readonly summary: string;
  /** Loads its code and runs it; resolves with the exit code. What it throws of `FledgeError` is told in one line. */
  run(args: readonly string[]): Promise<number>;
}

/**
 * The error of arguments that a command cannot take: exit code 2. `usage` is its whole line: `fledge topology
 * <topology>`.
 */
export function usageError(usage: string, message: string): StartupError {
  return new StartupError('usage', message, `Usage: ${usage}.`);
}
