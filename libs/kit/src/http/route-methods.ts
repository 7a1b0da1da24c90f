import type { FastifyInstance, FastifyRequest } from 'fastify';

interface Route {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

/** The routes of a server, by their paths. */
export type NotedRoutes = Map<string, Route>;

/** Where a server keeps them. */
export const ROUTES = 'fledgeRoutes';

/** Where Express keeps the most bytes that a body may have; Fastify has it with the route. */
export const BODY_MAX = 'fledgeBodyMax';

/** The record of a path, made if there is none. */
export function routeOf(routes: NotedRoutes, url: string): Route {
  let route = routes.get(url);
  if (!route) routes.set(url, (route = { pattern: patternOf(url), methods: new Set() }));
  return route;
}

/**
 * Records which methods the paths of a server support, for `methodsTaken`. Call it before its routes are added.
 *
 * The router itself does not distinguish a path with other methods from an unknown path.
 */
export function noteMethods(fastify: FastifyInstance): void {
  const routes: NotedRoutes = new Map();
  fastify.decorate(ROUTES, routes);
  fastify.addHook('onRoute', ({ url, method }) => {
    // the answer to preflights, which takes any path and serves none
    if (url === '*') return;
    const { methods } = routeOf(routes, url);
    for (const one of [method].flat()) methods.add(one);
  });
}

/** What is read of a request of either platform. */
interface PlatformRequest {
  readonly method: string;
  readonly url: string;
  readonly server?: FastifyRequest['server'];
  readonly app?: { get(name: string): unknown };
}

/**
 * The methods that the path of a request supports, sorted; empty if nothing serves it, or if its method is one of them
 * and something else, such as its version, did not fit.
 */
export function methodsTaken(request: PlatformRequest): readonly string[] {
  const path = request.url.split('?', 1)[0] ?? '';
  const noted = request.server ? request.server.getDecorator<NotedRoutes>(ROUTES) : request.app?.get(ROUTES);
  const routes = [...((noted as NotedRoutes | undefined)?.values() ?? [])];
  const methods = new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => [...route.methods]));
  return methods.has(request.method) ? [] : [...methods].sort();
}

/**
 * A route as a regular expression: `:name` matches what is between two slashes, `*` and Express's `*name` anything, and
 * what Express has in braces may be left out.
 */
function patternOf(url: string): RegExp {
  const source = url
    .replace(/[.+^$()|[\]\\]/g, '\\$&')
    .replace(/\{/g, '(?:')
    .replace(/\}/g, ')?')
    .replace(/:(?:[^/)]|\\\))+/g, '[^/]+')
    .replace(/\*\w*/g, '.*');
  return new RegExp(`^${source}$`);
}
