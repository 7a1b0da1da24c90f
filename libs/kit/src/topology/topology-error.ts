import { StartupError } from '../contract/index.js';

/**
 * Exit code of a start that cannot succeed without a change (`EX_CONFIG` of sysexits.h): a supervisor should not try
 * again.
 */
export const EXIT_CONFIG = 78;

/** One problem in a topology file. */
export interface TopologyProblem {
  /** From 1; 0 when it is about the whole file. */
  readonly line: number;
  /** From 1; 0 when it is about the whole file. */
  readonly column: number;
  /** What is wrong, with names and values. */
  readonly fact: string;
  /** What to do. */
  readonly cure: string;
}

/** A topology file cannot be used. Its message has a line for every problem: `config/split.yaml:12:5: fact. Fix.` */
export class TopologyError extends StartupError {
  constructor(
    readonly file: string,
    readonly problems: readonly TopologyProblem[],
  ) {
    const lines = problems.map(
      ({ line, column, fact, cure }) =>
        `${line > 0 ? `${file}:${line}:${column}` : file}: ${fact}. ${cure}${cure.endsWith('?') ? '' : '.'}`,
    );
    super('topology', lines.join('\n'), 'Nothing was started; `fledge topology <file>` checks the file again.', {
      file,
      problems,
    });
  }
}
