/**
 * The parts of an OpenAPI document that are used here. Not the type of `@nestjs/swagger`, since an application may omit
 * that package.
 */
export interface OpenApiDocument {
  readonly openapi?: string;
  readonly paths?: Readonly<Record<string, unknown>>;
  readonly components?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly tags?: readonly { readonly name: string }[];
  readonly [key: string]: unknown;
}

/** A schema with marks of its origin. */
interface MarkedSchema {
  /** The module that the schema belongs to. */
  readonly 'x-module'?: string;
  /** The schema's name before it was renamed. */
  readonly 'x-name'?: string;
}

type Schemas = Readonly<Record<string, MarkedSchema>>;

const SCHEMAS = '#/components/schemas/';

/** Marks each schema of a module's document with the module, so that its origin survives a merge. */
export function markedDocument(module: string, document: OpenApiDocument): OpenApiDocument {
  const marked = Object.entries(schemasOf(document)).map(([name, schema]) => [name, { ...schema, 'x-module': module }]);
  return {
    ...document,
    components: { ...document.components, schemas: Object.fromEntries(marked) as Record<string, unknown> },
  };
}

/**
 * Merges several documents into one: the title of the first, and the paths, components and tags of all. Different
 * schemas with the same name are all renamed after their modules, so that the result does not depend on how the
 * documents were grouped.
 */
export function mergeOpenApi(documents: readonly OpenApiDocument[]): OpenApiDocument {
  const namings = namingsOf(documents);
  const renamed = documents.map((document, i) => rename(document, namings[i] as ReadonlyMap<string, Naming>));
  const components: Record<string, Record<string, unknown>> = {};
  const tags = new Map<string, { readonly name: string }>();
  for (const document of renamed) {
    for (const [kind, named] of Object.entries(document.components ?? {}))
      components[kind] = { ...components[kind], ...named };
    for (const tag of document.tags ?? []) tags.set(tag.name, tag);
  }
  return {
    ...renamed[0],
    paths: Object.assign({}, ...renamed.map(({ paths }) => paths)) as Record<string, unknown>,
    ...(Object.keys(components).length > 0 && { components }),
    ...(documents.some((document) => document.tags) && { tags: [...tags.values()] }),
  };
}

/** The merged name of a schema, and its owner: if several modules have the same schema, the first by name. */
interface Naming {
  readonly name: string;
  readonly final: string;
  readonly module: string | undefined;
}

function namingsOf(documents: readonly OpenApiDocument[]): readonly ReadonlyMap<string, Naming>[] {
  const owners = ownersOf(documents);
  return documents.map(
    (document) =>
      new Map(
        Object.entries(schemasOf(document)).map(([key, schema]): [string, Naming] => {
          const name = schema['x-name'] ?? key;
          const meanings = owners.get(name);
          if (meanings === undefined) return [key, { name, final: name, module: schema['x-module'] }];
          const module = meanings.get(meaningOf(document, key));
          // a class name contains no dot, so no other schema can have this name
          return [
            key,
            { name, module, final: meanings.size > 1 && module !== undefined ? `${pascal(module)}.${name}` : name },
          ];
        }),
      ),
  );
}

/**
 * For each name that several documents use: its meanings, and for each meaning the first module by name that has it.
 */
function ownersOf(documents: readonly OpenApiDocument[]): ReadonlyMap<string, ReadonlyMap<string, string | undefined>> {
  const places = new Map<string, { readonly document: OpenApiDocument; readonly key: string }[]>();
  for (const document of documents) {
    for (const [key, schema] of Object.entries(schemasOf(document))) {
      const name = schema['x-name'] ?? key;
      places.set(name, [...(places.get(name) ?? []), { document, key }]);
    }
  }
  const owners = new Map<string, Map<string, string | undefined>>();
  for (const [name, found] of places) {
    if (found.length < 2) continue;
    const meanings = new Map<string, string | undefined>();
    for (const { document, key } of found) {
      const meaning = meaningOf(document, key);
      const [module, other] = [schemasOf(document)[key]?.['x-module'], meanings.get(meaning)];
      meanings.set(meaning, other !== undefined && (module === undefined || other < module) ? other : module);
    }
    owners.set(name, meanings);
  }
  return owners;
}

/** A schema and everything it refers to, each once, as text: two schemas are the same if this text is the same. */
function meaningOf(document: OpenApiDocument, first: string): string {
  const schemas = schemasOf(document);
  const nameOf = (key: string): string => schemas[key]?.['x-name'] ?? key;
  const reached = new Set([first]);
  const texts: string[] = [];
  for (const key of reached) {
    const { 'x-module': _module, 'x-name': _name, ...schema } = schemas[key] ?? {};
    const text = JSON.stringify(schema, (_, value: unknown) => {
      const target = targetOf(value);
      if (target === undefined) return value;
      reached.add(target);
      return SCHEMAS + nameOf(target);
    });
    texts.push(`${nameOf(key)} ${text}`);
  }
  return texts.sort().join('\n');
}

/** The schema that a reference points to: a `$ref`, or a discriminator's mapping. */
function targetOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.startsWith(SCHEMAS) ? value.slice(SCHEMAS.length) : undefined;
}

function rename(document: OpenApiDocument, namings: ReadonlyMap<string, Naming>): OpenApiDocument {
  if (namings.size === 0) return document;
  const schemas = Object.entries(schemasOf(document)).map(([key, schema]) => {
    const { name, final, module } = namings.get(key) as Naming;
    return [
      final,
      { ...schema, ...(module !== undefined && { 'x-module': module }), ...(final !== name && { 'x-name': name }) },
    ];
  });
  const whole = {
    ...document,
    components: { ...document.components, schemas: Object.fromEntries(schemas) as Record<string, unknown> },
  };
  return JSON.parse(
    JSON.stringify(whole, (_, value: unknown) => {
      const target = targetOf(value);
      return target === undefined ? value : SCHEMAS + (namings.get(target)?.final ?? target);
    }),
  ) as OpenApiDocument;
}

function schemasOf({ components }: OpenApiDocument): Schemas {
  return (components?.schemas ?? {}) as Schemas;
}

/** Converts `order-lines` to `OrderLines`. */
function pascal(name: string): string {
  return name.replace(/(?:^|[-_])([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
