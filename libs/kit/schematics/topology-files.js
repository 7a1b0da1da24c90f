/** Adds a module to the topology files of an application. */
import { posix } from 'node:path';
import { isMap, isSeq, parseDocument } from 'yaml';

/**
 * To the only service of a file, or as a service of its own.
 * @param {import('@angular-devkit/schematics').Tree} tree @param {string} name
 */
export function addToTopologies(tree, name) {
  for (const file of tree.getDir('/config').subfiles) {
    if (!/\.ya?ml$/.test(file)) continue;
    const path = posix.join('/config', file);
    const text = tree.readText(path);
    const services = parseDocument(text).get('services');
    if (!isMap(services) || JSON.stringify(services).includes(`"${name}"`)) continue;
    const [first, second] = services.items;
    const modules = first && second === undefined && isMap(first.value) ? first.value.get('modules') : undefined;
    const last = isSeq(modules) ? modules.items.at(-1) : undefined;
    // an edit of the text, which keeps comments and spaces as they are
    if (last)
      tree.overwrite(path, insert(text, last.range[1], modules.flow ? `, ${name}` : `\n${lead(text, last)}${name}`));
    else if (first)
      tree.overwrite(
        path,
        insert(text, endOf(text, services), `${indentOf(text, first.key)}${name}: { modules: [${name}] }\n`),
      );
  }
}

function insert(text, at, added) {
  return `${text.slice(0, at)}${added}${text.slice(at)}`;
}

/** What stands before a node in its line, as in `  - `. */
function lead(text, { range: [start] }) {
  return text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
}

function indentOf(text, node) {
  return /^\s*/.exec(lead(text, node))[0];
}

/** The start of the line after the last one of a map. */
function endOf(text, { items }) {
  const last = items.at(-1);
  const end = text.indexOf('\n', (last.value?.range ?? last.key.range)[1] - 1);
  return end < 0 ? text.length : end + 1;
}
