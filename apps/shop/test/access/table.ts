import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const FILE = 'apps/shop/test/access.md';

/** A table of Markdown, with columns of even width. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** What the file has under a heading: its table, or its list. */
export function recordedTable(heading: string): string {
  const text = existsSync(FILE) ? readFileSync(FILE, 'utf8') : '';
  const [, part = ''] = text.split(`## ${heading}\n`);
  return (
    part
      .split('\n## ', 1)[0]
      ?.split('\n')
      .filter((line) => /^(?:\||- )/.test(line))
      .join('\n') ?? ''
  );
}

/** Writes what was seen in the place of what is recorded, for a person to read before it is committed. */
export function record(heading: string, table: string): void {
  const text = readFileSync(FILE, 'utf8');
  const recorded = recordedTable(heading);
  writeFileSync(
    FILE,
    recorded === '' ? text.replace(`## ${heading}\n`, `## ${heading}\n\n${table}\n`) : text.replace(recorded, table),
  );
}
