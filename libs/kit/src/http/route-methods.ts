import type { FastifyInstance, FastifyRequest } from 'fastify';

interface Route {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

const ROUTES = 'fledgeRoutes';

/**
 * Records which methods the paths of a server support, for `methodsTaken`. Call it before its routes are added.
 *
 * The router itself does not distinguish a path with other methods from an unknown path.
 */
export function noteMethods(fastify: FastifyInstance): void {
  const routes = new Map<string, Route>();
  fastify.decorate(ROUTES, routes);
  fastify.addHook('onRoute', ({ url, method }) => {
    // the answer to preflights, which takes any path and serves none
    if (url === '*') return;
    let route = routes.get(url);
    if (!route) routes.set(url, (route = { pattern: patternOf(url), methods: new Set() }));
    for (const one of [method].flat()) route.methods.add(one);
  });
}

/**
 * The methods that the path of a request supports, sorted; empty if nothing serves it, or if its method is one of them
 * and something else, such as its version, did not fit.
 */
export function methodsTaken(request: FastifyRequest): readonly string[] {
  const path = request.url.split('?', 1)[0] ?? '';
  const routes = [...request.server.getDecorator<ReadonlyMap<string, Route>>(ROUTES).values()];
  const methods = new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => [...route.methods]));
  return methods.has(request.method) ? [] : [...methods].sort();
}

/** A route as a regular expression: `:name` matches what is between two slashes, `*` anything. */
function patternOf(url: string): RegExp {
  const source = url
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/:[^/]+/g, '[^/]+')
    .replace(/\*/g, '.*');
  return new RegExp(`^${source}$`);
}
