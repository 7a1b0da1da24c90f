/** One measured figure, compared with Fledge's. */
export interface Row {
  readonly table: string;
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** Fledge's value divided by this one. */
  readonly fledgeRatio: number;
}

/** The median; of an even number of values, the lower middle one. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? NaN;
}

/** Prints a table with ratios, and returns its rows. */
export function printTable(
  table: string,
  unit: string,
  results: ReadonlyMap<string, number>,
  convert: (value: number) => number,
  fledge: string,
): Row[] {
  const own = convert(results.get(fledge) ?? NaN);
  const rows = [...results].map(([name, raw]): Row => {
    const value = convert(raw);
    return { table, name, unit, value, fledgeRatio: own / value };
  });
  process.stdout.write(`\n${table}\n`);
  process.stdout.write(`  ${''.padEnd(36)}${unit.padStart(16)}${'Fledge / this'.padStart(16)}\n`);
  for (const { name, value, fledgeRatio } of rows) {
    process.stdout.write(`  ${name.padEnd(36)}${figure(value).padStart(16)}${fledgeRatio.toFixed(2).padStart(16)}\n`);
  }
  return rows;
}

/** Formats a number with its significant digits. */
export function figure(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString('en');
  return value >= 10 ? value.toFixed(1) : value.toFixed(3);
}

/** Prints two columns, one per topology, and the ratio of the second to the first. */
export function printRatios<T extends { readonly topology: string }>(
  title: string,
  rows: readonly T[],
  lines: readonly (readonly [name: string, of: (row: T) => number])[],
): void {
  const [one, other] = rows;
  if (!one || !other) return;
  process.stdout.write(`\n${title}\n`);
  process.stdout.write(
    `  ${''.padEnd(44)}${one.topology.padStart(12)}${other.topology.padStart(12)}${'ratio'.padStart(10)}\n`,
  );
  for (const [name, of] of lines) {
    const ratio = of(one) === 0 ? '' : (of(other) / of(one)).toFixed(2);
    process.stdout.write(
      `  ${name.padEnd(44)}${figure(of(one)).padStart(12)}${figure(of(other)).padStart(12)}${ratio.padStart(10)}\n`,
    );
  }
}
