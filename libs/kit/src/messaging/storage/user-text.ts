const LONE_SURROGATES = /[\ud800-\udfff]/gu;

/** The subject of a user as a header of a message holds it: percent-encoded. */
export function encodeUser(subject: string): string {
  return encodeURIComponent(subject.replace(LONE_SURROGATES, '\ufffd'));
}

/** The subject in a header; `undefined` for none, and for a text that is none. */
export function decodeUser(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
