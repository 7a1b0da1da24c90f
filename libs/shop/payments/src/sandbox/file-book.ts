import { closeSync, fdatasyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Book, Line } from './book.js';

/**
 * A book in a JSON Lines file, for one process. A line that was cut off by a crash was never answered, so it is
 * dropped.
 */
export class FileBook implements Book {
  private readonly lines: Line[] = [];
  private readonly byReference = new Map<string, Line[]>();
  private readonly byKey = new Map<string, Line[]>();
  /** Pending and unreported, by key. */
  private readonly open_ = new Map<string, Line>();
  private readonly file: number;

  /** @param path made if it is not there. */
  constructor(path: string) {
    this.file = openSync(path, 'a+');
    const bytes = readFileSync(path);
    const whole = bytes.lastIndexOf('\n') + 1;
    if (whole < bytes.length) ftruncateSync(this.file, whole);
    for (const text of bytes.toString('utf8', 0, whole).split('\n'))
      if (text !== '') this.index(JSON.parse(text) as Line);
  }

  write(reference: string, decide: (lines: readonly Line[]) => Line | undefined): Promise<void> {
    // Synchronous, so that nothing else in this process can come in between.
    const added = decide([...(this.byReference.get(reference) ?? [])]);
    if (!added) return Promise.resolve();
    writeSync(this.file, `${JSON.stringify(added)}\n`);
    fdatasyncSync(this.file);
    this.index(added);
    return Promise.resolve();
  }

  find(key: string): Promise<readonly Line[]> {
    return Promise.resolve([...(this.byKey.get(key) ?? [])]);
  }

  untold(limit: number): Promise<readonly Line[]> {
    return Promise.resolve([...this.open_.values()].slice(0, limit));
  }

  read(after: number, limit: number): Promise<readonly Line[]> {
    return Promise.resolve(this.lines.slice(after, after + limit));
  }

  /** Closes the file. */
  close(): void {
    closeSync(this.file);
  }

  private index(line: Line): void {
    this.lines.push(line);
    append(this.byReference, line.reference, line);
    append(this.byKey, line.key, line);
    if (line.outcome === 'pending') this.open_.set(line.key, line);
    if (line.outcome === 'told' || line.outcome === 'untold') this.open_.delete(line.key);
  }
}

function append(index: Map<string, Line[]>, name: string, line: Line): void {
  const lines = index.get(name);
  if (lines) lines.push(line);
  else index.set(name, [line]);
}
