import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

const COLOURS = [36, 33, 35, 32, 34, 96, 93, 95, 92, 94];

/** Prints the output of several processes, each line marked with its writer. */
export class LineLog {
  private readonly width: number;

  /** The names of all writers, for equal margins and a colour each; no colours unless `coloured`. */
  constructor(
    private readonly names: readonly string[],
    private readonly out: Writable,
    private readonly coloured: boolean,
  ) {
    this.width = Math.max(0, ...names.map((name) => name.length));
  }

  /** Prints each line of a stream. `keep` can drop lines. */
  follow(name: string, stream: Readable, keep: (line: string) => boolean = () => true): void {
    createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => {
      if (keep(line)) this.print(name, line);
    });
  }

  /** Prints one line. */
  print(name: string, line: string): void {
    const mark = `${name.padEnd(this.width)} |`;
    const colour = COLOURS[Math.max(0, this.names.indexOf(name)) % COLOURS.length] ?? 0;
    this.out.write(this.coloured ? `\u001B[${colour}m${mark}\u001B[0m ${line}\n` : `${mark} ${line}\n`);
  }
}
