/**
 * Adds names to the lists of a decorator, as a person would: for `fledge migration generate`, and for the schematics of
 * `nest generate`.
 */

/** @type {typeof import('./options-list.js').listedIn} */
export function listedIn(compiler, source, of, key) {
  const options = optionsOf(compiler, source, of);
  const list = options && valueOf(compiler, options, key);
  if (list === undefined) return options && [];
  return compiler.isArrayLiteralExpression(list) ? list.elements.map((element) => element.getText(source)) : undefined;
}

/** @type {typeof import('./options-list.js').addToOptions} */
export function addToOptions(compiler, path, text, { of, key, after, inCall, ...inList }) {
  const source = compiler.createSourceFile(path, text, compiler.ScriptTarget.Latest, true);
  const options = optionsOf(compiler, source, of);
  if (options === undefined) return undefined;
  const list = valueOf(compiler, options, key);
  const isCall = inCall !== undefined && isCallOf(compiler, source, list, inCall.name);
  const { element, imports } = isCall ? inCall : inList;
  const elements = isCall
    ? list.arguments
    : list && compiler.isArrayLiteralExpression(list)
      ? list.elements
      : undefined;
  if (elements?.some((one) => one.getText(source) === element)) return text;
  const edit = list
    ? elements && placed(source, list, elements, element)
    : placedNew(source, options, key, after, element);
  if (edit === undefined) return undefined;
  const changed = `${text.slice(0, edit.at)}${edit.text}${text.slice(edit.at)}`;
  return imports ? withImport(compiler, source, changed, imports) : changed;
}

function isCallOf(compiler, source, node, name) {
  return node !== undefined && compiler.isCallExpression(node) && node.expression.getText(source) === name;
}

/** @type {typeof import('./options-list.js').importsOf} */
export function importsOf(compiler, source) {
  return source.statements.filter(compiler.isImportDeclaration).map((node) => {
    const named = node.importClause?.namedBindings;
    return {
      specifier: node.moduleSpecifier.text,
      names: named && compiler.isNamedImports(named) ? named.elements.map(({ name }) => name.text) : [],
      texts:
        named && compiler.isNamedImports(named) && !node.importClause.name && !node.importClause.isTypeOnly
          ? named.elements.map((element) => element.getText(source))
          : [],
      start: node.getStart(source),
      end: node.end,
    };
  });
}

/** @type {typeof import('./options-list.js').importEnding} */
export function importEnding(compiler, source) {
  const near = importsOf(compiler, source).filter(({ specifier }) => specifier.startsWith('.'));
  return near.length > 0 && near.every(({ specifier }) => !specifier.endsWith('.js')) ? '' : '.js';
}

/** The object in `@BoundedModule({ … })` or in `const application: Application = { … }`. */
function optionsOf(compiler, source, of) {
  let found;
  const visit = (node) => {
    const isCall =
      compiler.isCallExpression(node) && new RegExp(`(?:^|\\.)${of}$`).test(node.expression.getText(source));
    const isTyped = compiler.isVariableDeclaration(node) && node.type?.getText(source) === of;
    const options = isCall ? node.arguments[0] : isTyped ? node.initializer : undefined;
    if (options && compiler.isObjectLiteralExpression(options)) found ??= options;
    compiler.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function propertyOf(options, key) {
  return options.properties.find((property) => property.name?.getText() === key);
}

function valueOf(compiler, options, key) {
  const property = propertyOf(options, key);
  return property && compiler.isPropertyAssignment(property) ? property.initializer : property;
}

/** Where the element goes in a list or a call, and the text around it. */
function placed(source, list, elements, element) {
  const last = elements.at(-1);
  return last ? { at: last.end, text: `,${gap(source, last)}${element}` } : { at: list.end - 1, text: element };
}

/** Where a list goes that is not there yet. */
function placedNew(source, options, key, after, element) {
  const before = after.map((name) => propertyOf(options, name)).find((property) => property !== undefined);
  return before && { at: before.end, text: `,${gap(source, before)}${key}: [${element}]` };
}

/** What stands before a node: a space, or a line break with the indentation. */
function gap(source, node) {
  return /\n[ \t]*$/.exec(source.text.slice(0, node.getStart(source)))?.[0] ?? ' ';
}

/** All edits come after the imports, whose places `source` still says. */
function withImport(compiler, source, text, { name, from }) {
  const imports = importsOf(compiler, source);
  const isNear = from.startsWith('.');
  const specifier = isNear ? `${from}${importEnding(compiler, source)}` : from;
  const same = imports.find((one) => one.specifier === specifier && one.texts.length > 0);
  if (same?.names.includes(name)) return text;
  if (same) {
    const names = [...same.texts, name].sort((a, b) => bare(a).localeCompare(bare(b))).join(', ');
    return `${text.slice(0, same.start)}import { ${names} } from '${specifier}';${text.slice(same.end)}`;
  }
  const next = imports.find(
    (one) => isNear && one.specifier.startsWith('.') && place(one.specifier) > place(specifier),
  );
  const at = next?.start ?? (imports.at(-1)?.end ?? -1) + 1;
  return `${text.slice(0, at)}import { ${name} } from '${specifier}';\n${text.slice(at)}`;
}

/** `type Fields` is in order as `Fields`. */
function bare(text) {
  return text.replace(/^type /, '');
}

/** Files further up come before those beside. */
function place(specifier) {
  return `${specifier.startsWith('../') ? 0 : 1}${specifier}`;
}
