/** Connections in a module's pool, by default. */
export const POOL_MAX_DEFAULT = 10;
/** The largest pool that can be configured. */
export const POOL_MAX_LIMIT = 100;
/** The largest body of a request, in bytes, by default. */
export const BODY_MAX_DEFAULT_BYTES = 256 * 1024;
/** The longest that a request may take, in milliseconds, by default. */
export const REQUEST_TIMEOUT_DEFAULT_MS = 10_000;
