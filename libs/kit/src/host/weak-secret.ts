/** The shortest secret that counts as unguessable, in characters. */
const SECRET_MIN_LENGTH = 16;
/** The fewest different characters of one. */
const DIFFERENT_MIN = 6;

/** Words of which examples and defaults are made. */
const WORDS =
  'a|an|the|for|of|my|is|very|not|so|too|this|secret|password|passwd|pass|change|changeme|me|please|trial|test|testing|dev|development|example|sample|local|webhook|admin|root|postgres|nats|shop|user|owner|default|key|token|demo|fledge|hello|world|letmein|qwerty|12345|[0-9]{1,4}';
const KNOWN = new RegExp(`^(?:(?:${WORDS})[-_. ]*)+$`, 'i');

/** What is wrong with a secret; nothing if it could have been made at random. It is not part of the answer. */
export function weaknessOf(secret: string, knownDefault?: unknown): string | undefined {
  if (secret === knownDefault || KNOWN.test(secret)) return 'is publicly known or made of common words';
  if (secret.length < SECRET_MIN_LENGTH) return `is shorter than ${SECRET_MIN_LENGTH} characters`;
  if (new Set(secret).size < DIFFERENT_MIN) return `has fewer than ${DIFFERENT_MIN} different characters`;
  return undefined;
}
