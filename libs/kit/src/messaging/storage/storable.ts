/** PostgreSQL stores no NUL, in text and JSON alike, and no half of a surrogate pair. */
const UNSTORABLE = /\0|\p{Surrogate}/gu;
/** As JSON spells them; a backslash of the text's own is found as well, and costs a second look. */
const SPELLED = /\\u(?:0000|d[89a-f])/;

/** Whether a text can be stored as it is. */
export function isStorable(text: string): boolean {
  return text.search(UNSTORABLE) < 0;
}

/** A text as it can be stored: cut, and with U+FFFD in place of what cannot. */
export function storable(text: string, charsMax: number): string {
  return text.slice(0, charsMax).replace(UNSTORABLE, '\uFFFD');
}

/** A value as JSON that can be stored as jsonb: with U+FFFD in its texts in place of what cannot. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  if (!SPELLED.test(json)) return json;
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'string' ? part.replace(UNSTORABLE, '\uFFFD') : part,
  );
}
