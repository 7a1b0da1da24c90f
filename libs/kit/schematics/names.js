/** Names in the forms that code uses. */

/** `take-stock`. @param {string} text */
export function kebab(text) {
  return text
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .toLowerCase();
}

/** `TakeStock`. @param {string} text */
export function pascal(text) {
  return kebab(text).replace(/(?:^|-)([a-z0-9])/g, (_, first) => first.toUpperCase());
}

/**
 * What `nest generate` got: `stock/take-stock` is in the module `stock`. Nest adds `path` where a third word is given.
 * @param {string} schematic
 * @param {{ name?: string, path?: string }} options
 */
export function parsed(schematic, { name = '', path }) {
  const parts = name.split('/').filter(Boolean).map(kebab);
  if (parts.length !== 2)
    throw new Error(
      `'${name}' names no module: write nest g -c @fledge/kit ${schematic} <module>/<name>, as in stock/take-stock.`,
    );
  return { module: parts[0], name: parts[1], of: path };
}
