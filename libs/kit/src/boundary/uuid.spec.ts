import { isUUID } from 'class-validator';
import { Random, testSeed } from '../compliance/random.js';
import { isPlainUuid } from './uuid.js';

const NIL = '00000000-0000-0000-0000-000000000000';
const MAX = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const CHARACTERS = [...'0123456789abcdefABCDEF-gG{} \u0000é😀'];

describe('isPlainUuid', () => {
  it('accepts what class-validator accepts, except the nil and the max UUID, which are left to it', () => {
    const seed = testSeed();
    const random = new Random(seed);
    let taken = 0;
    for (let i = 0; i < 20_000; i++) {
      const text = randomText(random);
      if (text.toLowerCase() === NIL || text.toLowerCase() === MAX) continue;
      const fails = { text, seed };
      expect({ ...fails, plain: isPlainUuid(text, 0) }).toEqual({ ...fails, plain: isUUID(text) });
      expect({ ...fails, plain: isPlainUuid(text, 0) }).toEqual({ ...fails, plain: isUUID(text, 'all') });
      expect({ ...fails, plain: isPlainUuid(text, 4) }).toEqual({ ...fails, plain: isUUID(text, 4) });
      if (isPlainUuid(text, 0)) taken++;
    }
    expect(taken).toBeGreaterThan(2_000);
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

/** A UUID, mostly of a known version and variant, with up to two of its characters changed, removed or doubled. */
function randomText(random: Random): string {
  const hex = (n: number): string =>
    Array.from({ length: n }, () => random.pick([...'0123456789abcdefABCDEF'])).join('');
  const text = [
    ...`${hex(8)}-${hex(4)}-${random.pick([...'1234567890f'])}${hex(3)}-${random.pick([...'89abAB07c'])}${hex(3)}-${hex(12)}`,
  ];
  for (let changes = random.pick([0, 0, 0, 1, 2]); changes > 0; changes--) {
    text.splice(random.below(text.length), random.pick([0, 1, 1, 1, 2]), ...random.some(CHARACTERS, 1));
  }
  return text.join('');
}
