import { storableJson } from './storable.js';

it('replaces what PostgreSQL cannot store, in texts and in keys', () => {
  expect(storableJson({ 'k\0': 'x\0', list: [{ '\ud800': '😀' }] })).toBe(
    '{"k\ufffd":"x\ufffd","list":[{"\ufffd":"😀"}]}',
  );
});

it('keeps keys apart that become the same', () => {
  expect(storableJson({ 'k\0': 1, 'k\ufffd': 2 })).toBe('{"k\ufffd":1,"k\ufffd\ufffd":2}');
});

it('leaves all else as JSON has it', () => {
  const value = { at: new Date(0), text: '\\u0000', none: undefined };
  expect(storableJson(value)).toBe(JSON.stringify(value));
});
