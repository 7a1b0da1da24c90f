import { isUUID } from 'class-validator';
import fc from 'fast-check';
import { isPlainUuid } from './uuid.js';

const NIL = '00000000-0000-0000-0000-000000000000';
const MAX = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const CHARACTERS = '0123456789abcdefABCDEF-gG{} \u0000é😀';

/** Any number of hexadecimal digits of either case. */
function digits(count: number): fc.Arbitrary<string> {
  return oneOf('0123456789abcdefABCDEF', count);
}

function oneOf(characters: string, count = 1): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...characters), minLength: count, maxLength: count });
}

/** A UUID, mostly of a known version and variant. */
const uuids = fc
  .tuple(digits(8), digits(4), oneOf('1234567890f'), digits(3), oneOf('89abAB07c'), digits(3), digits(12))
  .map(([first, second, version, third, variant, fourth, last]) =>
    [first, second, version + third, variant + fourth, last].join('-'),
  );

/** UUIDs with up to two of their characters changed, removed or doubled. */
const texts = fc
  .tuple(
    uuids,
    fc.oneof(
      { arbitrary: fc.constant([]), weight: 3 },
      {
        arbitrary: fc.array(
          fc.record({
            at: fc.nat({ max: 35 }),
            removed: fc.constantFrom(1, 0, 2),
            added: fc.constantFrom('', ...CHARACTERS),
          }),
          { maxLength: 2 },
        ),
        weight: 2,
      },
    ),
  )
  .map(([uuid, changes]) =>
    changes.reduce((text, { at, removed, added }) => text.slice(0, at) + added + text.slice(at + removed), uuid),
  );

describe('isPlainUuid', () => {
  it('accepts what class-validator accepts, except the nil and the max UUID, which are left to it', () => {
    let taken = 0;
    fc.assert(
      fc.property(texts, (text) => {
        fc.pre(text.toLowerCase() !== NIL && text.toLowerCase() !== MAX);
        expect(isPlainUuid(text, 0)).toBe(isUUID(text));
        expect(isPlainUuid(text, 0)).toBe(isUUID(text, 'all'));
        expect(isPlainUuid(text, 4)).toBe(isUUID(text, 4));
        if (isPlainUuid(text, 0)) taken++;
      }),
      { numRuns: 5_000 },
    );
    expect(taken).toBeGreaterThan(1_000);
  });

  it.each([NIL, MAX, '', 'x', `${MAX}-`, MAX.slice(1), `{${MAX}}`, MAX.replaceAll('-', '')])(
    'does not accept %s',
    (text) => {
      expect(isPlainUuid(text, 0)).toBe(false);
      expect(isPlainUuid(text, 4)).toBe(false);
    },
  );

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('accepts version %i, and as version 4 only version 4', (version) => {
    const text = `018f3c1e-7b2a-${version}cc0-9a51-0123456789ab`;
    expect(isPlainUuid(text, 0)).toBe(true);
    expect(isPlainUuid(text.toUpperCase(), 0)).toBe(true);
    expect(isPlainUuid(text, 4)).toBe(version === 4);
  });
});
