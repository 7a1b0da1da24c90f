import {
  BAGGAGE_CHARS_MAX,
  boundedBaggage,
  boundedTracestate,
  traceOf,
  TRACESTATE_CHARS_MAX,
} from './trace-context.js';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const members = (count: number, of: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => of(n)).join(',');

describe('the trace context of a message', () => {
  it('is only its traceparent when it has nothing else, which costs no object', () => {
    expect(traceOf({ traceparent: PARENT })).toBe(PARENT);
    expect(traceOf({})).toBeUndefined();
    expect(traceOf({ traceparent: PARENT, tracestate: 'ä', baggage: ' , ' })).toBe(PARENT);
  });

  it('has no state without a parent, and keeps its baggage', () => {
    expect(traceOf({ traceparent: 'nonsense', tracestate: 'a=1' })).toBeUndefined();
    expect(traceOf({ tracestate: 'a=1', baggage: 'user=ann' })).toEqual({
      traceparent: expect.stringMatching(/^00-[\da-f]{32}-[\da-f]{16}-01$/),
      baggage: 'user=ann',
    });
  });
});

describe('the state of a trace', () => {
  it.each(['a=1', 'a=1,b@c=x y!,d*/_-1=', 'rojo=00f067aa0ba902b7', members(32, (n) => `k${n}=1`)])(
    'is passed on as it is: %s',
    (state) => expect(boundedTracestate(state.replace(/=(?=,|$)/g, '=.'))).toBe(state.replace(/=(?=,|$)/g, '=.')),
  );

  it('loses spaces around its members, and empty members', () => {
    expect(boundedTracestate(' a=1 , ,\tb=2,')).toBe('a=1,b=2');
  });

  it.each(['A=1', 'a', '=1', 'a=1=2', 'a=\u00e9', 'a=1\r\nx: y', 'a=1,a=2', members(33, (n) => `k${n}=1`), ''])(
    'is dropped whole when it is malformed: %j',
    (state) => expect(boundedTracestate(state)).toBeUndefined(),
  );

  it('loses its long members first, then the last ones, until it fits', () => {
    const long = `long=${'x'.repeat(150)}`;
    const short = members(31, (n) => `k${n}=${'y'.repeat(20)}`);
    const bounded = boundedTracestate(`${long},${short}`) ?? '';
    expect(bounded.length).toBeLessThanOrEqual(TRACESTATE_CHARS_MAX);
    expect(bounded.length).toBeGreaterThan(TRACESTATE_CHARS_MAX - 30);
    expect(short.startsWith(bounded)).toBe(true);
    // a long one that fits may stay
    expect(boundedTracestate(`${long},a=1`)).toBe(`${long},a=1`);
  });
});

describe('baggage', () => {
  it.each(['user=ann', 'user=ann;role=buyer;since = 2020,shop=%C3%BC', 'empty='])('is passed on as it is: %s', (text) =>
    expect(boundedBaggage(text)).toBe(text),
  );

  it('loses members that are malformed', () => {
    expect(boundedBaggage('a=1,b,c d=2,=3,e="4",f=5\r\nx: y,g=6')).toBe('a=1,g=6');
    expect(boundedBaggage('nothing')).toBeUndefined();
  });

  it('loses members for which there is no room', () => {
    const large = `large=${'x'.repeat(BAGGAGE_CHARS_MAX)}`;
    expect(boundedBaggage(`a=1,${large},b=2`)).toBe('a=1,b=2');
    expect(boundedBaggage(members(70, (n) => `k${n}=1`))?.split(',')).toHaveLength(64);
    const full = members(5, (n) => `k${n}=${'x'.repeat(2_000)}`);
    expect(boundedBaggage(full)?.split(',')).toHaveLength(4);
  });
});
