/** Lower-case segments; those after the first may be parameters. */
const ROUTE =
  /^(\/[a-z0-9][a-z0-9._-]*|\/\.well-known\/[a-z0-9._-]+)(\/[a-z0-9][a-z0-9._-]*|\/:[A-Za-z_][A-Za-z0-9_]*)*$/;

/** Whether a text can be a route of a contract: `/articles`, or `/articles/:slug/comments`. */
export function isRoute(text: string): boolean {
  return ROUTE.test(text);
}

/** The same text for routes that differ only in the names of their parameters. */
export function routeKey(route: string): string {
  return route.replace(/\/:[^/]+/g, '/:');
}
