import { ROUTES } from './routes.js';
import { type Actor, ACTORS, type ShopOfAll } from './shop-of-all.js';
import { type Seen, send } from './walk.js';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
}
interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}
interface Operation {
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

/** What the services say of their routes. */
export class Documents {
  private constructor(
    private readonly operations: ReadonlyMap<string, Operation>,
    private readonly schemas: Readonly<Record<string, Schema>>,
  ) {}

  static async of({ app }: ShopOfAll): Promise<Documents> {
    const operations = new Map<string, Operation>();
    let schemas: Readonly<Record<string, Schema>> = {};
    for (const { name, modules } of app.topology.services) {
      if (modules.includes('stranger') && modules.length === 1) continue;
      const response = await fetch(`${app.service(name).url}/openapi.json`);
      const document = (await response.json()) as {
        paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
        components?: { schemas?: Readonly<Record<string, Schema>> };
      };
      schemas = { ...schemas, ...document.components?.schemas };
      for (const [path, methods] of Object.entries(document.paths))
        for (const [method, operation] of Object.entries(methods))
          operations.set(`${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`, operation);
    }
    return new Documents(operations, schemas);
  }

  /** The routes that they describe. */
  get routes(): readonly string[] {
    return [...this.operations.keys()];
  }

  /** The paths of the fields of a successful answer: `items[].id`. */
  answered(route: string): readonly string[] {
    const responses = Object.entries(this.operations.get(route)?.responses ?? {});
    return responses.filter(([status]) => status.startsWith('2')).flatMap(([, answer]) => this.fieldsOf(answer));
  }

  /** The paths of the fields of a request's body. */
  asked(route: string): readonly string[] {
    return this.fieldsOf(this.operations.get(route)?.requestBody ?? {});
  }

  private fieldsOf({ content = {} }: Content): string[] {
    return Object.values(content).flatMap(({ schema }) => (schema ? this.pathsIn(schema) : []));
  }

  private pathsIn(schema: Schema): string[] {
    const { $ref, allOf = [], items, properties = {} } = schema;
    const named = $ref === undefined ? undefined : this.schemas[$ref.split('/').at(-1) ?? ''];
    return [
      ...(named ? this.pathsIn(named) : []),
      ...allOf.flatMap((one) => this.pathsIn(one)),
      ...(items ? this.pathsIn(items).map((path) => `[].${path}`) : []),
      ...Object.entries(properties).flatMap(([name, field]) => under(name, this.pathsIn(field))),
    ];
  }
}

/** The documented fields of each route's answer. */
export function answeredFields(documents: Documents): string {
  const lines = Object.keys(ROUTES).flatMap((route) => {
    const fields = documents.answered(route);
    return fields.length > 0 ? [`- \`${route}\`: ${fields.join(', ')}`] : [];
  });
  return lines.join('\n');
}

/** What answers had that the documents do not name. */
export function fieldsBeyond(documents: Documents, seen: readonly Seen[]): string[] {
  return seen.flatMap(({ route, actor, status, body }) => {
    if (status >= 300 || !/^[{[]/.test(body)) return [];
    const documented = new Set(documents.answered(route));
    const beyond = [...new Set(pathsOf(JSON.parse(body)))].filter((path) => !documented.has(path));
    return beyond.map((path) => `${route} shows ${actor} the field ${path}`);
  });
}

function pathsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item).map((path) => `[].${path}`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) => under(name, pathsOf(field)));
}

/** A field, and the paths of what is in it. */
function under(name: string, paths: readonly string[]): string[] {
  return [name, ...paths.map((path) => (path.startsWith('[]') ? `${name}${path}` : `${name}.${path}`))];
}

/** What nobody may set by a request, wherever it is not named. */
const FOREIGN: Readonly<Record<string, unknown>> = {
  id: '00000000-0000-4000-8000-000000000001',
  userId: '00000000-0000-4000-8000-000000000001',
  roles: ['staff'],
  scope: 'staff',
  state: 'completed',
  totalMinor: 0,
  priceMinor: 0,
  unitPriceMinor: 0,
  available: 1_000,
  active: true,
  createdAt: '2020-01-01T00:00:00.000Z',
};

/** The fields that a route took although it does not name them, from somebody who may use it. */
export async function takenFields(
  world: ShopOfAll,
  documents: Documents,
  seen: readonly Seen[],
): Promise<{ readonly tried: number; readonly taken: readonly string[] }> {
  let tried = 0;
  const taken: string[] = [];
  for (const [route, { request }] of Object.entries(ROUTES)) {
    const actor = ACTORS.find((one) => seen.some((s) => s.route === route && s.actor === one && s.status < 300));
    const asked = documents.asked(route);
    if (actor === undefined || request(world, actor).body === undefined) continue;
    for (const [field, value] of Object.entries(FOREIGN)) {
      if (asked.includes(field)) continue;
      tried++;
      if (!(await isRefused(world, route, actor, field, value))) taken.push(`${route} takes ${field}`);
    }
  }
  return { tried, taken };
}

async function isRefused(
  world: ShopOfAll,
  route: string,
  actor: Actor,
  field: string,
  value: unknown,
): Promise<boolean> {
  const sample = ROUTES[route]?.request(world, actor) ?? { path: '/' };
  const { status, body } = await send(world, route, actor, { ...sample, body: { ...sample.body, [field]: value } });
  return status === 400 && body.includes(`"path":"${field}"`);
}
