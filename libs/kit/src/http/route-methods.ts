import type { FastifyInstance, FastifyRequest } from 'fastify';

interface Route {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

const ROUTES = 'fledgeRoutes';

/**
 * Notes which methods the paths of a server take, for `methodsTaken`. Call it before its routes are added.
 *
 * The router tells a path that takes other methods from one that nothing serves to no one.
 */
export function noteMethods(fastify: FastifyInstance): void {
  const routes = new Map<string, Route>();
  fastify.decorate(ROUTES, routes);
  fastify.addHook('onRoute', ({ url, method }) => {
    let route = routes.get(url);
    if (!route) routes.set(url, (route = { pattern: patternOf(url), methods: new Set() }));
    for (const one of [method].flat()) route.methods.add(one);
  });
}

/** The methods that the path of a request takes, sorted; empty when nothing serves it. */
export function methodsTaken(request: FastifyRequest): readonly string[] {
  const path = request.url.split('?', 1)[0] ?? '';
  const routes = [...request.server.getDecorator<ReadonlyMap<string, Route>>(ROUTES).values()];
  return [...new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => [...methods]))].sort();
}

/** A route as an expression: `:name` stands for what is between two slashes, `*` for anything. */
function patternOf(url: string): RegExp {
  const source = url
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/:[^/]+/g, '[^/]+')
    .replace(/\*/g, '.*');
  return new RegExp(`^${source}$`);
}
