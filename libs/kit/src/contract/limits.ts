/** Connections that a module's pool may hold, if not said otherwise. */
export const POOL_MAX_DEFAULT = 10;
/** The most that may be asked for. */
export const POOL_MAX_LIMIT = 100;
/** The largest body of a request, if not said otherwise, in bytes. */
export const BODY_MAX_DEFAULT_BYTES = 256 * 1024;
/** The longest that a request may take, if not said otherwise, in milliseconds. */
export const REQUEST_TIMEOUT_DEFAULT_MS = 10_000;
