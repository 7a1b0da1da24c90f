/**
 * The largest message, in weight: about its bytes as JSON. A string weighs its length, a number 24, a date 26, a
 * boolean 5, a null 4, an object 2, an item of a list 1, and a field's name its own length and 4. Even if escaping makes
 * every character six times as long, a message of this weight fits NATS's default payload of 1 MiB, so a message that
 * passes in one process passes between processes.
 */
export const MESSAGE_WEIGHT_MAX = 160 * 1024;

/** The deepest nesting of classes that refer to themselves; deeper nesting is treated as a cycle. */
export const MESSAGE_DEPTH_MAX = 64;

/** The weight of each part of a message. */
export const WEIGHT = { number: 24, date: 26, boolean: 5, null: 4, item: 1, field: 4, object: 2 } as const;
