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

/** A value as JSON that can be stored as jsonb, with U+FFFD in its texts for each character that cannot be stored. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  if (!SPELLED.test(json)) return json;
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'string' ? part.replace(UNSTORABLE, '\uFFFD') : part,
  );
}
