/** A change of the built code that takes a promise out of it. */
export interface Mutation {
  /** The end of the file's path. */
  readonly file: string;
  /** What stands there, once. */
  readonly from: string;
  readonly to: string;
  /** What no longer holds. */
  readonly takesOut: string;
}

/** The mutations by their names. The lab is worth something only as long as it finds out each of them. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {};

/** The modules to load before a service so that it runs with a mutation; none without one. */
export function mutationPreload(name: string | undefined): string[] {
  if (name === undefined) return [];
  if (!Object.hasOwn(MUTATIONS, name)) throw new Error(`there is no mutation '${name}': use ${Object.keys(MUTATIONS).join(', ')}`);
  return [new URL(`./agent/mutate.js?${name}`, import.meta.url).href];
}
