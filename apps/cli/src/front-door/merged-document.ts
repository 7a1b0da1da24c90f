/** The parts of an OpenAPI document that are merged. */
export interface ApiDocument {
  readonly paths?: Readonly<Record<string, unknown>>;
  readonly components?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly tags?: readonly { readonly name: string }[];
  readonly [key: string]: unknown;
}

/** One document of several services': the first's title, everybody's paths, components and tags. */
export function mergedDocument(documents: readonly ApiDocument[]): ApiDocument {
  const components: Record<string, Record<string, unknown>> = {};
  const tags = new Map<string, { readonly name: string }>();
  for (const document of documents) {
    for (const [kind, named] of Object.entries(document.components ?? {})) components[kind] = { ...components[kind], ...named };
    for (const tag of document.tags ?? []) tags.set(tag.name, tag);
  }
  return {
    ...documents[0],
    paths: Object.assign({}, ...documents.map((document) => document.paths)) as Record<string, unknown>,
    ...(Object.keys(components).length > 0 && { components }),
    ...(documents.some((document) => document.tags) && { tags: [...tags.values()] }),
  };
}
