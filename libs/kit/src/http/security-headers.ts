/**
 * What every answer tells browsers, unless the application sets another value: to take the content as what it says it
 * is, to show it in no frame of another origin, and to name its address to nobody.
 */
export const SECURITY_HEADERS: readonly (readonly [name: string, value: string])[] = [
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'SAMEORIGIN'],
  ['referrer-policy', 'no-referrer'],
];
