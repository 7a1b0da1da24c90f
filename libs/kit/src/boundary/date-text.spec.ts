import fc from 'fast-check';
import { dateOf, dateText } from './date-text.js';

/** Dates of any year, and as many from the years with four digits. */
const dates = fc.oneof(
  fc.date({ min: new Date(-1e14), max: new Date(1e14), noInvalidDate: true }),
  fc.date({ noInvalidDate: true }),
);

describe('the text of a date', () => {
  it('is that of toISOString, for every year and to the millisecond', () => {
    const edges = [
      0,
      1,
      -1,
      86_399_999,
      86_400_000,
      8.64e15,
      -8.64e15,
      -62_167_219_200_000,
      -62_167_219_200_001,
      253_402_300_799_999,
      253_402_300_800_000,
      Date.UTC(2024, 1, 29, 23, 59, 59, 999),
    ];
    const check = (date: Date): void => {
      // the second time from the cached day
      expect([dateText(date), dateText(date)]).toEqual([date.toISOString(), date.toISOString()]);
    };
    for (const ms of [...edges, ...edges.map((at) => (at === 8.64e15 ? at - 1 : at + 1))]) check(new Date(ms));
    fc.assert(fc.property(dates, check), { numRuns: 5_000 });
  });

  it('distinguishes one day from the next', () => {
    for (let ms = Date.UTC(2026, 11, 31, 12); ms < Date.UTC(2027, 0, 2); ms += 3_599_999)
      expect(dateText(new Date(ms))).toBe(new Date(ms).toISOString());
  });

  it('is read back', () => {
    fc.assert(
      fc.property(dates, (date) => expect(dateOf(date.toISOString())).toEqual(date)),
      { numRuns: 5_000 },
    );
  });

  const forms = [
    ...[
      '2026-02-28',
      '2026-02-29',
      '2024-02-29',
      '2026-02-30',
      '2026-02-31',
      '2026-02-32',
      '2026-00-01',
      '2026-13-01',
      '2026-01-00',
      '0000-01-01',
      '0099-12-31',
      '0100-01-01',
      '2026-1a-01',
      '2026/01-01',
      '+02026-01-01',
      '+002026-01-01',
      '-000001-01-01',
    ].map((day) => `${day}T12:34:56.789Z`),
    ...[
      '00:00:00.000Z',
      '23:59:59.999Z',
      '24:00:00.000Z',
      '24:00:00.001Z',
      '23:60:00.000Z',
      '23:59:60.000Z',
      '12:34:56Z',
      '12:34:56.7Z',
      '12:34:56.789+01:00',
      '12:34:56.7+010:0',
      '12:34:56.78-0Z',
      '12:34:56,789Z',
      '12-34-56.789Z',
      '12:34:56.789z',
      '12:34:56.7890Z',
      '12:34:5६.789Z',
    ].map((time) => `2026-03-04T${time}`),
    '2026-03-04 12:34:56.789Z',
    '2026-03-04',
    '',
    'now',
    '                        ',
  ];
  it.each(forms)('is read as Date reads it, but only if it is RFC 3339: %j', (text) => {
    const isDate = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)$/.test(text);
    expect(dateOf(text)?.getTime()).toEqual(isDate ? new Date(text).getTime() : undefined);
  });

  it('is refused for an invalid date', () => {
    expect(() => dateText(new Date(NaN))).toThrow(RangeError);
  });
});
