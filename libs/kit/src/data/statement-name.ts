const names = new Map<string, string>();

/**
 * A name for a statement with a constant text, the same on every call; a connection caches the prepared statement under
 * it.
 */
export function statementName(text: string): string {
  let name = names.get(text);
  if (name === undefined) names.set(text, (name = `fledge-${names.size}`));
  return name;
}
