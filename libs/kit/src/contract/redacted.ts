/** The part of a URL between its scheme and its host, with a password in it; not that of the examples in our hints. */
const PASSWORD = /\b([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@'"`]*):(?!password@)[^\s/'"`]+@/gi;
/** A NATS URL may have a token in the place of a user. */
const TOKEN = /\b((?:nats|tls):\/\/)[^\s:/?#@'"`]+@/gi;
/** As deep as values are looked at; what is deeper is left out of a log anyway. */
const DEPTH_MAX = 6;

/** A text with the passwords of all URLs in it replaced, for errors and logs. */
export function redacted(text: string): string {
  return text.includes('://') && text.includes('@') ? text.replace(PASSWORD, '$1:***@').replace(TOKEN, '$1***@') : text;
}

/** A copy of a value in which all texts are redacted; a value without any is returned as it is. */
export function redactedValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redacted(value);
  if (typeof value !== 'object' || value === null || depth === DEPTH_MAX) return value;
  if (Array.isArray(value)) return value.map((item) => redactedValue(item, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redactedValue(item, depth + 1)]));
}
