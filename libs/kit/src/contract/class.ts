/** Any class; contracts describe classes. */
// Constructor parameters do not matter here: contracts use only the prototype and the metadata.
export type Class<T = object> = abstract new (...args: never[]) => T;
