import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A code block of a page. */
export interface Block {
  readonly page: string;
  /** Where it begins, for messages: `README.md:10`. */
  readonly place: string;
  readonly language: string;
  readonly code: string;
  /** What the comment before it says of where the code is from, or which test runs it. */
  readonly mark: { readonly kind: 'from' | 'run by'; readonly path: string } | undefined;
}

/** Written by a program, which checks it. */
const API_REPORT = /\/api\/[\w-]+\.api\.md$/;

/** Every page of the documentation, with its path in the repository. */
export const PAGES: readonly string[] = [
  ...readdirSync('.').filter((file) => file.endsWith('.md')),
  ...['libs', 'apps'].flatMap(pagesBelow),
];

function pagesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) ? [] : pagesBelow(path);
    return path.endsWith('.md') && !API_REPORT.test(path) ? [path] : [];
  });
}

/** The code blocks of a page. */
export function blocksOf(page: string): Block[] {
  const text = readFileSync(page, 'utf8');
  return [...text.matchAll(/^(?:<!-- (from|run by) (\S+) -->\n)?```([^\n]*)\n([^]*?)^```$/gm)].map((found) => {
    const [, kind, path = '', language = '', code = ''] = found;
    return {
      page,
      place: `${page}:${text.slice(0, found.index).split('\n').length}`,
      language,
      code,
      mark: kind === undefined ? undefined : { kind: kind as 'from' | 'run by', path },
    };
  });
}

/** A piece of a block, and the file that it is from. */
interface Piece {
  readonly file: string;
  readonly lines: readonly string[];
}

/** `// src/main.ts`, also with more to say behind a colon. */
const HEADING = /^ ?\/\/ ([\w./-]+\.\w+)(?:: .*)?$/;
/** A line that stands for what is left out. */
const LEFT_OUT = '…';

/**
 * What is wrong with a block that is said to be from a file. If it is said to be from a folder, each of its pieces
 * begins with a comment that names the file. Lines may be left out where a line says `…`, and indented otherwise.
 */
export function differences({ code, language, mark }: Block): string[] {
  const path = mark?.path ?? '';
  const pieces = statSync(path).isDirectory() ? piecesOf(code) : [{ file: '', lines: code.split('\n') }];
  if (pieces === undefined) return [`does not begin with a comment that names a file of ${path}`];
  return pieces.flatMap(({ file, lines }) => {
    if (language !== 'diff') return absent(lines, join(path, file));
    const [before, after] = [join(path, 'before', file), join(path, 'after', file)];
    const [removed, added] = [only(before, after), only(after, before)];
    return [
      ...absent(sideOf(lines, '-'), before),
      ...absent(sideOf(lines, '+'), after),
      ...marked(lines, '-').filter((line) => !removed.includes(line)),
      ...marked(lines, '+').filter((line) => !added.includes(line)),
      ...removed.filter((line) => !marked(lines, '-').includes(line)).map((line) => `does not remove: ${line}`),
      ...added.filter((line) => !marked(lines, '+').includes(line)).map((line) => `does not add: ${line}`),
    ];
  });
}

function piecesOf(code: string): Piece[] | undefined {
  const pieces: { file: string; lines: string[] }[] = [];
  for (const line of code.trim().split('\n')) {
    const file = HEADING.exec(line)?.[1];
    if (file !== undefined) pieces.push({ file, lines: [] });
    else if (pieces.length === 0) return undefined;
    else pieces.at(-1)?.lines.push(line);
  }
  return pieces;
}

/** Lines of a file without their indentation. */
function trimmed(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim());
}

/** What of the lines does not stand in the file, in this order. */
function absent(lines: readonly string[], file: string): string[] {
  let rest = trimmed(file);
  for (const part of partsOf(lines)) {
    const at = rest.findIndex((_, i) => part.every((line, j) => rest[i + j] === line));
    if (at === -1) return [`does not stand in ${file}:\n${part.join('\n')}`];
    rest = rest.slice(at + part.length);
  }
  return [];
}

/** The runs of lines between those that are left out. */
function partsOf(lines: readonly string[]): string[][] {
  const parts: string[][] = [[]];
  for (const line of lines.map((line) => line.trim())) {
    if (line === LEFT_OUT) parts.push([]);
    else parts.at(-1)?.push(line);
  }
  return parts.map(withoutMargins).filter((part) => part.length > 0);
}

function withoutMargins(lines: readonly string[]): string[] {
  const [first, last] = [lines.findIndex((line) => line !== ''), lines.findLastIndex((line) => line !== '')];
  return first === -1 ? [] : lines.slice(first, last + 1);
}

/** The lines of a diff that the file before (`-`) or after (`+`) has. */
function sideOf(lines: readonly string[], sign: '-' | '+'): string[] {
  return lines.filter((line) => !/^[-+]/.test(line) || line.startsWith(sign)).map((line) => line.slice(1));
}

function marked(lines: readonly string[], sign: '-' | '+'): string[] {
  return lines.filter((line) => line.startsWith(sign)).map((line) => line.slice(1).trim());
}

/** The lines that one file has and the other has not. */
function only(file: string, other: string): string[] {
  const others = trimmed(other);
  return trimmed(file).filter((line) => !others.includes(line));
}
