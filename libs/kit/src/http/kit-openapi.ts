import type { OpenApiDocument } from './merged-openapi.js';

interface Operation {
  readonly security?: readonly unknown[];
  readonly requestBody?: unknown;
  readonly responses?: Readonly<Record<string, unknown>>;
}

interface Schema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly additionalProperties?: unknown;
}

const SCHEMAS = '#/components/schemas/';
const METHODS = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']);

/**
 * A module's document with what the kit does for each route: 401 where credentials are needed, and, if
 * `refusesUnknown`, that the schemas of bodies have no other fields.
 */
export function withRulesOfKit(document: OpenApiDocument, refusesUnknown: boolean): OpenApiDocument {
  const operations: Operation[] = [];
  const paths = Object.entries(document.paths ?? {}).map(([path, item]) => [
    path,
    Object.fromEntries(
      Object.entries(item as Readonly<Record<string, unknown>>).map(([method, operation]) => {
        if (!METHODS.has(method)) return [method, operation];
        operations.push(operation as Operation);
        return [method, withUnauthenticated(operation as Operation)];
      }),
    ),
  ]);
  const whole = { ...document, paths: Object.fromEntries(paths) as Record<string, unknown> };
  return refusesUnknown ? withExactBodies(whole, operations) : whole;
}

function withUnauthenticated(operation: Operation): Operation {
  if (!operation.security?.length || operation.responses?.['401'] !== undefined) return operation;
  return { ...operation, responses: { ...operation.responses, '401': { description: 'No valid credentials' } } };
}

function withExactBodies(document: OpenApiDocument, operations: readonly Operation[]): OpenApiDocument {
  const schemas = (document.components?.schemas ?? {}) as Readonly<Record<string, Schema>>;
  const reached = new Set<string>();
  const reach = (value: unknown): void => {
    JSON.stringify(value, (_, inner: unknown) => {
      const name = typeof inner === 'string' && inner.startsWith(SCHEMAS) ? inner.slice(SCHEMAS.length) : undefined;
      if (name !== undefined && !reached.has(name)) {
        reached.add(name);
        reach(schemas[name]);
      }
      return inner;
    });
  };
  for (const { requestBody } of operations) reach(requestBody);
  const exact = Object.entries(schemas).map(([name, schema]) => [
    name,
    reached.has(name) && schema.properties !== undefined && schema.additionalProperties === undefined
      ? { ...schema, additionalProperties: false }
      : schema,
  ]);
  return {
    ...document,
    components: { ...document.components, schemas: Object.fromEntries(exact) as Record<string, unknown> },
  };
}
