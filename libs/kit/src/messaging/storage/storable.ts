/** PostgreSQL stores neither NUL nor half a surrogate pair, in text and JSON alike. */
const UNSTORABLE = /\0|\p{Surrogate}/gu;
/** Their escapes in JSON. An escaped backslash in the text can match too, which only costs a second check. */
const SPELLED = /\\u(?:0000|d[89a-f])/;

/** Whether a text can be stored as it is. */
export function isStorable(text: string): boolean {
  return text.search(UNSTORABLE) < 0;
}

/** A text in a form that can be stored: cut to length, with U+FFFD for each character that cannot be stored. */
export function storable(text: string, charsMax: number): string {
  return text.slice(0, charsMax).replace(UNSTORABLE, '\uFFFD');
}

/** A value as JSON that can be stored as jsonb, with U+FFFD for each character of its texts and keys that cannot. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  if (!SPELLED.test(json)) return json;
  return JSON.stringify(value, (_name, part: unknown) => {
    if (typeof part === 'string') return part.replace(UNSTORABLE, '\uFFFD');
    return typeof part === 'object' && part !== null && !Array.isArray(part) ? withStorableKeys(part) : part;
  });
}

function withStorableKeys(object: object): object {
  if (Object.keys(object).every(isStorable)) return object;
  const mended: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object) as [string, unknown][]) {
    let name = key.replace(UNSTORABLE, '\uFFFD');
    // two that are the same by now must not become one
    while (Object.hasOwn(mended, name)) name += '\uFFFD';
    mended[name] = value;
  }
  return mended;
}
