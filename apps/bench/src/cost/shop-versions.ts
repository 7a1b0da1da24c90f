import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TOPOLOGIES, type TopologyName } from '../shop/shop-run.js';

/** A built checkout whose shop is measured. */
export interface ShopVersion {
  readonly name: 'this' | 'against';
  /** Its folder; without one the bench's own. */
  readonly root?: string;
}

/** The measurement of one version in one topology. */
export interface Measured<T> {
  readonly topology: TopologyName;
  readonly version: ShopVersion['name'];
  readonly values: readonly T[];
}

/** This checkout, and the one to compare with, if any. @throws Error if that is not built. */
export function versions(against: string | undefined): readonly ShopVersion[] {
  if (against === undefined) return [{ name: 'this' }];
  const root = resolve(against);
  if (!existsSync(join(root, 'dist/apps/cli/src/main.js')))
    throw new Error(`${root} is no built checkout: run 'npm ci && npm run build' there`);
  return [{ name: 'against', root }, { name: 'this' }];
}

/**
 * Measures every version in every topology. Two versions alternate, for `rounds` each, so that other load on the
 * machine affects both; a single one is measured once.
 */
export async function takeTurns<T>(
  against: string | undefined,
  rounds: number,
  measure: (topology: TopologyName, version: ShopVersion) => Promise<T>,
): Promise<Measured<T>[]> {
  const all = versions(against);
  const results: Measured<T>[] = [];
  for (const topology of TOPOLOGIES) {
    const taken = all.map(({ name }) => ({ topology, version: name, values: [] as T[] }));
    for (let round = 0; round < (all.length === 1 ? 1 : rounds); round++)
      for (const [i, version] of all.entries()) taken[i]?.values.push(await measure(topology, version));
    results.push(...taken);
  }
  return results;
}

/** The mean of a figure of several values. */
export function mean<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((sum, value) => sum + of(value), 0) / values.length;
}
