import type ts from 'typescript';

/** The compiler, loaded only when something is verified. */
export type Compiler = typeof ts;

/** A name, and its line, counted from 1. */
export interface Named {
  readonly name: string;
  readonly line: number;
}

/** An import, a re-export, a dynamic `import()` or a `require()`. */
export interface ImportFact {
  readonly specifier: string;
  readonly line: number;
  /** The local names it binds to what was imported; `*` for the whole module. */
  readonly names: readonly string[];
  /** Whether the compiler drops it, since only types are imported. */
  readonly isType: boolean;
}

/** The options of `@BoundedModule({ … })`. */
export interface BoundedFact {
  readonly line: number;
  /** Undefined if it is not a plain list of names. */
  readonly uses: readonly Named[] | undefined;
}

/** The options of `defineContract({ … })`. */
export interface ContractFact extends Named {
  readonly routes: readonly Named[];
  /** Whether it has a rule for all its messages. */
  readonly hasAccess: boolean;
}

/** A command, a query or a route, and whether it says who may use it. */
export interface UseFact extends Named {
  readonly hasAccess: boolean;
}

/** The relevant facts about one source file, read from its syntax alone. */
export interface FileFacts {
  readonly imports: readonly ImportFact[];
  /**
   * Imports whose target is known only at run time: `import(variable)`, and a `require` that the file creates itself.
   */
  readonly computed: readonly Named[];
  readonly bounded: readonly BoundedFact[];
  readonly contracts: readonly ContractFact[];
  /** Names in `@CommandContract('…')` and similar decorators. */
  readonly wireNames: readonly Named[];
  /** Commands and queries, by wire name. */
  readonly messages: readonly UseFact[];
  /** Methods of controllers, as `OrdersController.place`; `@Public()` says that everybody may use them. */
  readonly routes: readonly UseFact[];
  /** Imports of `Authentication`, which needs a user for every route of its module. */
  readonly authentications: readonly Named[];
  /** Applications with `access: 'open'`. */
  readonly opened: readonly Named[];
  /** Schemas given by name: `@Entity({ schema })`, `@Entity('schema.table')`. */
  readonly schemas: readonly Named[];
  /** Classes declared as entities. */
  readonly entities: readonly Named[];
  /** Classes used as entities: */
  readonly entityUses: readonly Named[];
  /** Calls that make a data source: `new DataSource(…)`, `createConnection(…)`, whoever declares these names. */
  readonly dataSources: readonly Named[];
  /** Strings that may be SQL, with their first line. */
  readonly texts: readonly Named[];
}

type Collected = { -readonly [K in keyof FileFacts]: FileFacts[K][number][] };

const WIRE_NAMES = new Set(['CommandContract', 'QueryContract', 'EventContract', 'ErrorContract']);
const MESSAGES = new Set(['CommandContract', 'QueryContract']);
/** The decorators of Nest that make a method a route. */
const ROUTES = new Set(['Get', 'Post', 'Put', 'Patch', 'Delete', 'Head', 'Options', 'All', 'Search', 'Sse']);
const ENTITY_DECORATORS = new Set(['Entity', 'ViewEntity', 'ChildEntity']);
const TABLE_MAKERS = new Set(['Entity', 'ViewEntity', 'JoinTable', 'EntitySchema', 'Table', 'TableForeignKey', 'View']);
const RELATIONS = new Set([
  'ManyToOne',
  'OneToMany',
  'OneToOne',
  'ManyToMany',
  'InjectRepository',
  'getRepository',
  'forFeature',
]);
/** Methods of TypeORM's query builder that take tables and conditions, so that their arguments are parts of SQL. */
const QUERY_PARTS = new Set([
  'from',
  'addFrom',
  'into',
  'leftJoin',
  'innerJoin',
  'leftJoinAndSelect',
  'innerJoinAndSelect',
  'where',
  'andWhere',
  'orWhere',
]);
/** What makes a data source of TypeORM. */
const DATA_SOURCE_MAKERS = new Set(['DataSource', 'createConnection', 'createConnections', 'createDataSource']);
/** The modules that can create a `require`. */
const MODULE_BUILTINS = new Set(['module', 'node:module']);
const SCHEMA_KEYS = new Set(['schema', 'referencedSchema']);
const TABLE_KEYS = new Set(['name', 'tableName', 'referencedTableName']);

/** Reads a file's facts. */
export function readFacts(compiler: Compiler, path: string, text: string): FileFacts {
  const facts: Collected = {
    imports: [],
    computed: [],
    bounded: [],
    contracts: [],
    wireNames: [],
    messages: [],
    routes: [],
    authentications: [],
    opened: [],
    schemas: [],
    entities: [],
    entityUses: [],
    dataSources: [],
    texts: [],
  };
  if (path.endsWith('.sql')) facts.texts.push({ name: text, line: 1 });
  else
    new FactReader(compiler, compiler.createSourceFile(path, text, compiler.ScriptTarget.Latest, true), facts).read();
  return facts;
}

class FactReader {
  constructor(
    private readonly ts: Compiler,
    private readonly file: ts.SourceFile,
    private readonly facts: Collected,
  ) {}

  read(): void {
    this.visit(this.file);
  }

  private visit(node: ts.Node): void {
    const { ts } = this;
    if (ts.isImportDeclaration(node))
      return this.importFrom(
        node,
        node.moduleSpecifier,
        this.importedNames(node.importClause),
        isTypeImport(ts, node.importClause),
      );
    if (ts.isExportDeclaration(node)) return this.importFrom(node, node.moduleSpecifier, ['*'], isTypeExport(ts, node));
    if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference))
      return this.importFrom(node, node.moduleReference.expression, [node.name.text]);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      this.importFrom(node, node.argument.literal, ['*'], true);
    if (ts.isClassDeclaration(node)) this.class(node);
    if (ts.isObjectLiteralExpression(node)) this.application(node);
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) this.call(node);
    if (this.text(node)) return;
    ts.forEachChild(node, (child) => this.visit(child));
  }

  private importFrom(node: ts.Node, specifier: ts.Node | undefined, names: readonly string[], isType = false): void {
    if (!specifier) return;
    if (!this.ts.isStringLiteralLike(specifier)) {
      this.facts.computed.push({ name: specifier.getText(this.file), line: this.line(node) });
      return;
    }
    this.facts.imports.push({ specifier: specifier.text, line: this.line(node), names, isType });
    if (MODULE_BUILTINS.has(specifier.text))
      this.facts.computed.push({ name: `by '${specifier.text}'`, line: this.line(node) });
  }

  private importedNames(clause: ts.ImportClause | undefined): readonly string[] {
    const bindings = clause?.namedBindings;
    const named =
      bindings && this.ts.isNamedImports(bindings)
        ? bindings.elements.map((element) => element.name.text)
        : bindings
          ? [bindings.name.text]
          : [];
    return [...(clause?.name ? [clause.name.text] : []), ...named];
  }

  private call(node: ts.CallExpression | ts.NewExpression): void {
    const [first] = node.arguments ?? [];
    if (this.ts.isCallExpression(node) && node.expression.kind === this.ts.SyntaxKind.ImportKeyword)
      return this.importFrom(node, first, ['*']);
    const callee = calleeName(this.ts, node.expression);
    if (callee === 'require') this.importFrom(node, first, ['*']);
    if (callee && DATA_SOURCE_MAKERS.has(callee)) this.facts.dataSources.push({ name: callee, line: this.line(node) });
    if (callee === 'BoundedModule') this.bounded(node, first);
    if (callee === 'defineContract') this.contract(first);
    if (callee && WIRE_NAMES.has(callee) && first && this.ts.isStringLiteralLike(first))
      this.facts.wireNames.push({ name: first.text, line: this.line(first) });
    if (callee && MESSAGES.has(callee) && first && this.ts.isStringLiteralLike(first))
      this.facts.messages.push({
        name: first.text,
        line: this.line(first),
        hasAccess: this.property(node.arguments?.[1], 'access') !== undefined,
      });
    if (/^Authentication\.(?:verifiedBy|by)$/.test(node.expression.getText(this.file)))
      this.facts.authentications.push({ name: 'Authentication', line: this.line(node) });
    if (callee && RELATIONS.has(callee) && first) this.entitiesIn(first);
    if (callee && QUERY_PARTS.has(callee))
      for (const part of node.arguments?.filter((argument) => this.ts.isStringLiteralLike(argument)) ?? [])
        this.facts.texts.push({ name: `from ${part.text}`, line: this.line(part) });
    if (callee && TABLE_MAKERS.has(callee)) for (const argument of node.arguments ?? []) this.tableNames(argument);
  }

  private bounded(node: ts.Node, options: ts.Expression | undefined): void {
    const uses = this.property(options, 'uses');
    this.facts.bounded.push({ line: this.line(node), uses: uses ? this.identifiers(uses) : [] });
    const entities = this.property(options, 'entities');
    if (entities) this.entitiesIn(entities);
  }

  private contract(options: ts.Expression | undefined): void {
    const name = this.property(options, 'name');
    if (!name || !this.ts.isStringLiteralLike(name)) return;
    const routes = this.property(options, 'routes');
    const paths =
      routes && this.ts.isArrayLiteralExpression(routes)
        ? routes.elements.filter((element) => this.ts.isStringLiteralLike(element))
        : [];
    this.facts.contracts.push({
      name: name.text,
      line: this.line(name),
      routes: paths.map((path) => ({ name: path.text, line: this.line(path) })),
      hasAccess: this.property(options, 'access') !== undefined,
    });
  }

  private class(node: ts.ClassDeclaration): void {
    const { name } = node;
    if (!name) return;
    const decorators = this.decorators(node);
    if (decorators.some((one) => ENTITY_DECORATORS.has(one)))
      this.facts.entities.push({ name: name.text, line: this.line(name) });
    if (!decorators.includes('Controller')) return;
    for (const member of node.members) {
      const own = this.ts.isMethodDeclaration(member) ? this.decorators(member) : [];
      if (!own.some((one) => ROUTES.has(one))) continue;
      // @Authenticated() on the route takes back the @Public() of its controller
      const isPublic = own.includes('Public') || (decorators.includes('Public') && !own.includes('Authenticated'));
      const method = member.name?.getText(this.file) ?? '';
      this.facts.routes.push({ name: `${name.text}.${method}`, line: this.line(member), hasAccess: isPublic });
    }
  }

  /** The names of a declaration's decorators. */
  private decorators(node: ts.HasDecorators): string[] {
    return (this.ts.getDecorators(node) ?? []).flatMap(({ expression }) =>
      this.ts.isCallExpression(expression) ? (calleeName(this.ts, expression.expression) ?? []) : [],
    );
  }

  private application(node: ts.ObjectLiteralExpression): void {
    const access = this.property(node, 'access');
    if (access && this.ts.isStringLiteralLike(access) && access.text === 'open' && this.property(node, 'modules'))
      this.facts.opened.push({ name: 'open', line: this.line(access) });
  }

  /** The classes in `Row`, `[Row]` or `() => Row`. */
  private entitiesIn(expression: ts.Expression): void {
    const { ts } = this;
    if (ts.isIdentifier(expression)) this.facts.entityUses.push({ name: expression.text, line: this.line(expression) });
    if (ts.isArrayLiteralExpression(expression)) for (const element of expression.elements) this.entitiesIn(element);
    if (ts.isArrowFunction(expression) && !ts.isBlock(expression.body)) this.entitiesIn(expression.body);
  }

  private tableNames(argument: ts.Expression): void {
    const { ts } = this;
    if (ts.isStringLiteralLike(argument)) this.qualified(argument);
    if (!ts.isObjectLiteralExpression(argument)) return;
    for (const property of argument.properties) {
      if (!ts.isPropertyAssignment(property) || !ts.isStringLiteralLike(property.initializer)) continue;
      const key = property.name.getText(this.file);
      if (SCHEMA_KEYS.has(key)) this.facts.schemas.push({ name: property.initializer.text, line: this.line(property) });
      if (TABLE_KEYS.has(key)) this.qualified(property.initializer);
    }
  }

  private qualified(table: ts.StringLiteralLike): void {
    const [schema, name] = table.text.replaceAll('"', '').split('.');
    if (schema && name) this.facts.schemas.push({ name: schema, line: this.line(table) });
  }

  /**
   * Collects a whole string, including parts that are concatenated or surround `${…}`; true if there is nothing left to
   * visit.
   */
  private text(node: ts.Node): boolean {
    const { ts } = this;
    if (ts.isStringLiteralLike(node)) {
      this.facts.texts.push({ name: node.text, line: this.line(node) });
      return true;
    }
    if (ts.isTemplateExpression(node)) {
      this.facts.texts.push({ name: templateText(node), line: this.line(node) });
      for (const span of node.templateSpans) this.visit(span.expression);
      return true;
    }
    if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.PlusToken) return false;
    const parts = summands(ts, node);
    if (!parts.some((part) => ts.isStringLiteralLike(part) || ts.isTemplateExpression(part))) return false;
    const whole = parts
      .map((part) =>
        ts.isStringLiteralLike(part) ? part.text : ts.isTemplateExpression(part) ? templateText(part) : HOLE,
      )
      .join('');
    this.facts.texts.push({ name: whole, line: this.line(node) });
    for (const part of parts) if (!ts.isStringLiteralLike(part)) this.visit(part);
    return true;
  }

  private property(object: ts.Expression | undefined, key: string): ts.Expression | undefined {
    if (!object || !this.ts.isObjectLiteralExpression(object)) return undefined;
    const found = object.properties.find((property) => property.name?.getText(this.file) === key);
    if (found && this.ts.isShorthandPropertyAssignment(found)) return found.name;
    return found && this.ts.isPropertyAssignment(found) ? found.initializer : undefined;
  }

  private identifiers(list: ts.Expression): readonly Named[] | undefined {
    if (!this.ts.isArrayLiteralExpression(list) || !list.elements.every((element) => this.ts.isIdentifier(element)))
      return undefined;
    return list.elements.map((element) => ({ name: element.getText(this.file), line: this.line(element) }));
  }

  private line(node: ts.Node): number {
    return this.file.getLineAndCharacterOfPosition(node.getStart(this.file)).line + 1;
  }
}

/** Stands for a value in a string that is known only at run time: not a name, and not a separator of names. */
const HOLE = '?';

function templateText(node: ts.TemplateExpression): string {
  return node.head.text + node.templateSpans.map((span) => HOLE + span.literal.text).join('');
}

function summands(compiler: Compiler, node: ts.Expression): readonly ts.Expression[] {
  if (!compiler.isBinaryExpression(node) || node.operatorToken.kind !== compiler.SyntaxKind.PlusToken) return [node];
  return [...summands(compiler, node.left), node.right];
}

/** `import type …`, or an import of nothing but `type` names. */
function isTypeImport(compiler: Compiler, clause: ts.ImportClause | undefined): boolean {
  if (!clause) return false;
  if (clause.isTypeOnly) return true;
  const { name, namedBindings } = clause;
  return (
    name === undefined &&
    namedBindings !== undefined &&
    compiler.isNamedImports(namedBindings) &&
    namedBindings.elements.every(({ isTypeOnly }) => isTypeOnly)
  );
}

/** `export type …`, or an export of nothing but `type` names. */
function isTypeExport(compiler: Compiler, { isTypeOnly, exportClause }: ts.ExportDeclaration): boolean {
  if (isTypeOnly) return true;
  return (
    exportClause !== undefined &&
    compiler.isNamedExports(exportClause) &&
    exportClause.elements.length > 0 &&
    exportClause.elements.every((element) => element.isTypeOnly)
  );
}

function calleeName(compiler: Compiler, expression: ts.Expression): string | undefined {
  if (compiler.isIdentifier(expression)) return expression.text;
  return compiler.isPropertyAccessExpression(expression) ? expression.name.text : undefined;
}
