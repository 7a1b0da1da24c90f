/** An OpenAPI document, as far as it is looked at here. Not the type of `@nestjs/swagger`: an application may leave that package out. */
export interface OpenApiDocument {
  readonly openapi?: string;
  readonly paths?: Readonly<Record<string, unknown>>;
  readonly components?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly tags?: readonly { readonly name: string }[];
  readonly [key: string]: unknown;
}

/** A schema with what it is told of where it comes from. */
interface MarkedSchema {
  /** The module whose schema it is. */
  readonly 'x-module'?: string;
  /** Its name before it was given another. */
  readonly 'x-name'?: string;
}

type Schemas = Readonly<Record<string, MarkedSchema>>;

const SCHEMAS = '#/components/schemas/';

/** Marks each schema of a module's document with the module, so that it keeps its meaning beside those of others. */
export function markedDocument(module: string, document: OpenApiDocument): OpenApiDocument {
  const marked = Object.entries(schemasOf(document)).map(([name, schema]) => [name, { ...schema, 'x-module': module }]);
  return { ...document, components: { ...document.components, schemas: Object.fromEntries(marked) as Record<string, unknown> } };
}

/**
 * One document of several: the first one's title, everybody's paths, components and tags. Schemas of one name that differ are all named
 * after their modules, so that the result is the same in whatever groups documents come.
 */
export function mergeOpenApi(documents: readonly OpenApiDocument[]): OpenApiDocument {
  const namings = namingsOf(documents);
  const renamed = documents.map((document, i) => rename(document, namings[i] as ReadonlyMap<string, Naming>));
  const components: Record<string, Record<string, unknown>> = {};
  const tags = new Map<string, { readonly name: string }>();
  for (const document of renamed) {
    for (const [kind, named] of Object.entries(document.components ?? {})) components[kind] = { ...components[kind], ...named };
    for (const tag of document.tags ?? []) tags.set(tag.name, tag);
  }
  return {
    ...renamed[0],
    paths: Object.assign({}, ...renamed.map(({ paths }) => paths)) as Record<string, unknown>,
    ...(Object.keys(components).length > 0 && { components }),
    ...(documents.some((document) => document.tags) && { tags: [...tags.values()] }),
  };
}

/** What a schema is called beside others, and whose it is: of modules that mean the same, the first by name. */
interface Naming {
  readonly name: string;
  readonly final: string;
  readonly module: string | undefined;
}

function namingsOf(documents: readonly OpenApiDocument[]): readonly ReadonlyMap<string, Naming>[] {
  const meanings = new Map<string, Map<string, string | undefined>>();
  const found = documents.map((document) =>
    Object.entries(schemasOf(document)).map(([key, schema]) => {
      const name = schema['x-name'] ?? key;
      const meaning = meaningOf(document, key);
      const owners = meanings.get(name) ?? new Map<string, string | undefined>();
      const other = owners.get(meaning);
      const module = schema['x-module'];
      meanings.set(name, owners.set(meaning, other !== undefined && (module === undefined || other < module) ? other : module));
      return { key, name, meaning };
    }),
  );
  return found.map(
    (schemas) =>
      new Map(
        schemas.map(({ key, name, meaning }) => {
          const owners = meanings.get(name) as Map<string, string | undefined>;
          const module = owners.get(meaning);
          return [key, { name, module, final: owners.size > 1 && module !== undefined ? `${pascal(module)}${name}` : name }];
        }),
      ),
  );
}

/** A schema with all that it refers to, as text: what another one must have, too, to be the same. */
function meaningOf(document: OpenApiDocument, key: string, within: readonly string[] = []): string {
  const schema = schemasOf(document)[key];
  if (schema === undefined) return key;
  // round a circle only how far back matters
  if (within.includes(key)) return `^${within.length - within.indexOf(key)}`;
  return JSON.stringify(schema, (name, value: unknown) => {
    if (name === 'x-module' || name === 'x-name') return undefined;
    return name === '$ref' && typeof value === 'string' && value.startsWith(SCHEMAS) ? meaningOf(document, value.slice(SCHEMAS.length), [...within, key]) : value;
  });
}

function rename(document: OpenApiDocument, namings: ReadonlyMap<string, Naming>): OpenApiDocument {
  if (namings.size === 0) return document;
  const schemas = Object.entries(schemasOf(document)).map(([key, schema]) => {
    const { name, final, module } = namings.get(key) as Naming;
    return [final, { ...schema, ...(module !== undefined && { 'x-module': module }), ...(final !== name && { 'x-name': name }) }];
  });
  const whole = { ...document, components: { ...document.components, schemas: Object.fromEntries(schemas) as Record<string, unknown> } };
  const to = (name: string): string => namings.get(name)?.final ?? name;
  return JSON.parse(JSON.stringify(whole, (name, value: unknown) => (name === '$ref' && typeof value === 'string' && value.startsWith(SCHEMAS) ? SCHEMAS + to(value.slice(SCHEMAS.length)) : value))) as OpenApiDocument;
}

function schemasOf({ components }: OpenApiDocument): Schemas {
  return (components?.schemas ?? {}) as Schemas;
}

/** `order-lines` as `OrderLines`. */
function pascal(name: string): string {
  return name.replace(/(?:^|[-_])([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
