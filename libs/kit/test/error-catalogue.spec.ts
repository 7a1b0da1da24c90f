import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PAGE = 'libs/kit/docs/reference/errors.md';
const CODE = /^fledge\.(?:startup\.)?[a-z][a-z-]*(?:<[a-z]+>)?$/;
const KINDS = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'not-found',
  'conflict',
  'too-many',
  'unavailable',
  'timeout',
  'internal',
  'by status',
  'by reason',
];
const OUTCOMES = [
  'rejected',
  'not-run',
  'unknown',
  'not-run or unknown',
  'rejected or unknown',
  'rejected, not-run or unknown',
];

/**
 * The codes of the kit and its command, and where each is first used: `fledge.…` texts, and the causes of startup
 * errors.
 */
function codesInSources(): ReadonlyMap<string, string> {
  const codes = new Map<string, string>();
  for (const folder of ['libs/kit/src', 'libs/nats/src', 'apps/cli/src']) {
    for (const file of readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.endsWith('.spec.ts')) continue;
      const path = `${folder}/${file}`;
      for (const code of codesIn(
        ts.createSourceFile(path, readFileSync(join(ROOT, path), 'utf8'), ts.ScriptTarget.Latest, true),
      )) {
        if (!codes.has(code)) codes.set(code, path);
      }
    }
  }
  return codes;
}

function codesIn(file: ts.SourceFile): readonly string[] {
  const codes: string[] = [];
  const visit = (node: ts.Node): void => {
    const startup = startupCause(node, file);
    if (startup !== undefined) codes.push(`fledge.startup.${startup}`);
    const text = textOf(node, file);
    if (text !== undefined && CODE.test(text) && !isSymbolKey(node, file)) codes.push(text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return codes;
}

/** The cause passed to a `StartupError` or a class based on it; it must be a literal. */
function startupCause(node: ts.Node, file: ts.SourceFile): string | undefined {
  const isMade = ts.isNewExpression(node) && node.expression.getText(file) === 'StartupError';
  const isSuper =
    ts.isCallExpression(node) &&
    node.expression.kind === ts.SyntaxKind.SuperKeyword &&
    /extends StartupError\b/.test(classAround(node)?.getText(file) ?? '');
  if (!isMade && !isSuper) return undefined;
  const cause = (node as ts.NewExpression | ts.CallExpression).arguments?.[0];
  if (cause && ts.isStringLiteral(cause)) return cause.text;
  throw new Error(
    `${file.fileName}: the cause of a StartupError is no literal: ${cause?.getText(file)}. Write it out, so that its code can be found.`,
  );
}

function classAround(node: ts.Node): ts.Node | undefined {
  return ts.findAncestor(node, ts.isClassDeclaration);
}

/** A text, with its values as `<name>`. */
function textOf(node: ts.Node, file: ts.SourceFile): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return (
    node.head.text +
    node.templateSpans.map(({ expression, literal }) => `<${expression.getText(file)}>${literal.text}`).join('')
  );
}

/**
 * `Symbol.for('fledge.…')` is a metadata key, `{ 'fledge.…': value }` an attribute of a span, and
 * `fledge.startup.<cause>` is how codes are made: none is a code.
 */
function isSymbolKey(node: ts.Node, file: ts.SourceFile): boolean {
  const { parent } = node;
  return (
    (ts.isCallExpression(parent) && parent.expression.getText(file) === 'Symbol.for') ||
    (ts.isPropertyAssignment(parent) && parent.name === node) ||
    textOf(node, file) === 'fledge.startup.<cause>'
  );
}

/** The rows of the page's tables. */
function rowsOnPage(): readonly (readonly string[])[] {
  return readFileSync(join(ROOT, PAGE), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const rows = rowsOnPage();
const onPage = rows.map(([code = '']) => code.replaceAll('`', ''));
const inSources = codesInSources();

it('has every code of the sources on its page', () => {
  const missing = [...inSources]
    .filter(([code]) => !onPage.includes(code))
    .map(([code, file]) => `${code} of ${file} is not on ${PAGE}: add a row`);
  expect(missing).toEqual([]);
});

it('has no code on its page that is not in the sources', () => {
  expect(
    onPage
      .filter((code) => !inSources.has(code))
      .map((code) => `${code} is on ${PAGE} and nowhere in the sources: remove its row`),
  ).toEqual([]);
});

it('lists each code once, with its kind, its outcome, when it occurs, and what to do', () => {
  expect(onPage.filter((code, i) => onPage.indexOf(code) !== i)).toEqual([]);
  expect(
    rows.filter(
      ([, kind = '', outcome = '', when, cure, ...rest]) =>
        !KINDS.includes(kind) || !OUTCOMES.includes(outcome) || !when || !cure || rest.length > 0,
    ),
  ).toEqual([]);
});
