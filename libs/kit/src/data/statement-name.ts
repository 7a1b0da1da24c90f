const names = new Map<string, string>();

/**
 * A name of a statement of constant text that is the same for each of its calls; a connection keeps what was prepared
 * by it.
 */
export function statementName(text: string): string {
  let name = names.get(text);
  if (name === undefined) names.set(text, (name = `fledge-${names.size}`));
  return name;
}
