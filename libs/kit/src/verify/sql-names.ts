/** A name in SQL that belongs to a schema. */
export interface SchemaName {
  readonly schema: string;
  /** `inventory.stock`, or `search_path inventory`. */
  readonly text: string;
  /** Whether it is the target of a foreign key. */
  readonly isReference: boolean;
  /** How many lines it is below the first line of the text. */
  readonly linesBelow: number;
}

/** The start of a statement, or of a part of one. */
const STATEMENT =
  /^\s*(?:select|insert\s+into|update|delete\s+from|with|create|alter|drop|truncate|merge\s+into|grant|revoke|lock|copy|comment\s+on|set|from|join|left\s+join|inner\s+join|references|where|explain|analyze|vacuum|begin|do|call)\b/i;

/** Finds the names in a text that are qualified with one of `schemas`; none if the text does not look like SQL. */
export function schemaNames(text: string, schemas: readonly string[]): readonly SchemaName[] {
  const sql = blanked(text);
  if (schemas.length === 0 || !STATEMENT.test(sql)) return [];
  const one = schemas.map((schema) => schema.replaceAll('-', '\\-')).join('|');
  // `catalog.product-not-found.v1` is a wire name: a name in SQL does not continue with a hyphen
  const qualified = new RegExp(
    `(references\\s+)?(?<![\\w."-])"?(${one})"?\\s*\\.\\s*("[^"]+"|[a-z_]\\w*(?![\\w-]))`,
    'gi',
  );
  const searchPath = new RegExp(`search_path\\s*(?:to|=)[^;]*?(?<![\\w-])"?(${one})"?(?![\\w-])`, 'gi');
  return [
    ...[...sql.matchAll(qualified)].map((match) => ({
      schema: (match[2] as string).toLowerCase(),
      text: match[0].slice(match[1]?.length ?? 0),
      isReference: match[1] !== undefined,
      linesBelow: linesIn(sql.slice(0, match.index)),
    })),
    // here the name may be a quoted value
    ...[...text.matchAll(searchPath)].map((match) => ({
      schema: (match[1] as string).toLowerCase(),
      text: `search_path ${match[1]}`,
      isReference: false,
      linesBelow: linesIn(text.slice(0, match.index)),
    })),
  ];
}

/** A statement that changes the role of its connection, alone in a text or at the start of one. */
const CHANGES_ROLE =
  /(?:^|;|\$\$|\bbegin\b)\s*(set\s+(?:session\s+|local\s+)?(?:role|session\s+authorization)\s*(?:=|\bto\b)?\s*(?:"[^"]+"|[\w?-]+|'[^']*')|reset\s+(?:role|session\s+authorization|all)|discard\s+all)\s*(?=;|$|\bend\b)/gi;
const CONFIGURES_ROLE = /\bset_config\s*\(\s*'(?:role|session_authorization)'/gi;

/** One phrase for people, as on a button: 'Reset all', 'Set role admin'. SQL is written in letters of one case. */
const LABEL = /^[A-Z][a-z]+( [a-z]+)*$/;

/** Finds statements that change the role of the connection, with their lines below the first. */
export function roleChanges(text: string): readonly { readonly text: string; readonly linesBelow: number }[] {
  if (LABEL.test(text)) return [];
  const sql = text.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, (part) => part.replace(/[^\n]/g, ' '));
  const found = [
    ...[...sql.matchAll(CHANGES_ROLE)].map(({ 0: whole, 1: statement = '', index }) => ({
      statement,
      at: index + whole.indexOf(statement),
    })),
    ...[...sql.matchAll(CONFIGURES_ROLE)].map(({ 0: statement, index }) => ({ statement, at: index })),
  ];
  return found.map(({ statement, at }) => ({
    text: statement.replace(/\s+/g, ' '),
    linesBelow: linesIn(sql.slice(0, at)),
  }));
}

/** Replaces comments and quoted values, which name nothing, with spaces; keeps the lines. */
function blanked(text: string): string {
  return text.replace(/--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'/g, (part) => part.replace(/[^\n]/g, ' '));
}

function linesIn(text: string): number {
  return text.split('\n').length - 1;
}
