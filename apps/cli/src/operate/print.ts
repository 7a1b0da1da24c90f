/** A column of a table: its heading, its content, and whether it is numeric. */
export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  readonly isNumber?: boolean;
}

/** Rows as aligned text, with headings; numbers are right-aligned. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map((column) => oneLine(column.cell(row))));
  const heads = columns.map((column) => column.head.toUpperCase());
  const widths = heads.map((head, i) => Math.max(head.length, ...cells.map((line) => (line[i] as string).length)));
  const text = (line: readonly string[]): string =>
    line
      .map((cell, i) => (columns[i]?.isNumber ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number)))
      .join('  ')
      .trimEnd();
  return [heads, ...cells].map((line) => `${text(line)}\n`).join('');
}

/** Names and values, one pair per line, with the values aligned. Pairs without a value are omitted. */
export function facts(pairs: readonly (readonly [name: string, value: string | undefined | null])[]): string {
  const told = pairs.filter(([, value]) => value != null);
  const width = Math.max(0, ...told.map(([name]) => name.length));
  return told.map(([name, value]) => `${name.padEnd(width)}  ${oneLine(value as string)}\n`).join('');
}

/** JSON for machines, one document. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Foreign text without control characters that a terminal would obey; keeps line breaks. */
export function harmless(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '\uFFFD');
}

/** Like `harmless`, but on one line. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, '\uFFFD');
}

/** Text that belongs to the line above it. */
export function indented(text: string): string {
  return harmless(text)
    .split('\n')
    .map((line) => `  ${line}`.trimEnd())
    .join('\n');
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** Milliseconds in the largest unit that fits: `3m`, `2d`; `-` for none. */
export function span(ms: number | null): string {
  if (ms === null) return '-';
  const [unit, scale] = UNITS.find(([, size]) => ms >= size) ?? ['ms', 1];
  return `${Math.floor(ms / scale)}${unit}`;
}

/** A past time relative to now: `3m ago`. Clocks may differ, so it is never in the future. */
export function ago(iso: string): string {
  return `${span(Math.max(0, Date.now() - Date.parse(iso)))} ago`;
}

/** `1 dead letter`, `3 dead letters`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
