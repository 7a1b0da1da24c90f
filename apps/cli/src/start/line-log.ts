import { redacted } from '@fledge/kit/operations';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { type Level, levelFilter } from './log-filter.js';

const COLOURS = [36, 33, 35, 32, 34, 96, 93, 95, 92, 94];

/** Which lines of services to print. */
export interface LogFilter {
  /** Those of these writers. Default: all. */
  readonly only?: ReadonlySet<string>;
  /** Those of this level, and of higher ones. Default: all. */
  readonly level?: Level;
}

/** Prints the output of several processes, each line marked with its writer. */
export class LineLog {
  private names: readonly string[] = [];
  private width = 0;
  private filter: LogFilter = {};

  /** No colours unless `coloured`. */
  constructor(
    private readonly out: Writable,
    readonly coloured: boolean,
  ) {}

  /** Takes the names of all writers, for equal margins and a colour each, and which of their lines to print. */
  expect(names: readonly string[], filter: LogFilter = {}): void {
    this.names = names;
    this.width = Math.max(0, ...names.map((name) => name.length));
    this.filter = filter;
  }

  /**
   * Prints the lines of a stream that pass the filter. `keep` can drop more; `usual` is the level of lines that name
   * none.
   */
  follow(name: string, stream: Readable, usual: Level, keep: (line: string) => boolean = () => true): void {
    const { only, level } = this.filter;
    const passes = level === undefined ? () => true : levelFilter(level, usual);
    const isShown = only?.has(name) ?? true;
    // also the lines that are not shown are read, or the process would wait for that
    createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => {
      if (isShown && passes(line) && keep(line)) this.print(name, line);
    });
  }

  /** Prints one line, without the passwords of URLs in it: a process that crashes says what it was given. */
  print(name: string, said: string): void {
    const line = redacted(said);
    const mark = `${name.padEnd(this.width)} |`;
    const colour = COLOURS[Math.max(0, this.names.indexOf(name)) % COLOURS.length] ?? 0;
    this.out.write(this.coloured ? `\u001B[${colour}m${mark}\u001B[0m ${line}\n` : `${mark} ${line}\n`);
  }
}
