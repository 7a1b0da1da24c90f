import { faultOf, sign, SIGNATURE_HEADER, TOLERANCE_S } from './signature.js';

const at = 1_763_900_000_000;
const body = Buffer.from('{"id":"evt_1","name":"ä"}');
const header = sign(body, 'the secret', at);
const fault = (over: { body?: Buffer; header?: unknown; secret?: string; atMs?: number }) =>
  faultOf(
    'body' in over ? over.body : body,
    'header' in over ? over.header : header,
    over.secret ?? 'the secret',
    over.atMs ?? at,
  );

it('takes what it signed, text or bytes, within the tolerance', () => {
  expect(header).toMatch(/^t=1763900000,v1=[0-9a-f]{64}$/);
  expect(sign(body.toString(), 'the secret', at)).toBe(header);
  for (const shift of [0, TOLERANCE_S, -TOLERANCE_S]) expect(fault({ atMs: at + shift * 1_000 })).toBeUndefined();
});

it.each([
  ['another secret', { secret: 'the Secret' }, 'not that of its body'],
  ['another body', { body: Buffer.from('{}') }, 'not that of its body'],
  ['no body', { body: undefined }, 'not that of its body'],
  ['another time', { header: header.replace('t=1763900000', 't=1763900001') }, 'not that of its body'],
  ['too old', { atMs: at + (TOLERANCE_S + 1) * 1_000 }, 'ago or ahead'],
  ['from the future', { atMs: at - (TOLERANCE_S + 1) * 1_000 }, 'ago or ahead'],
  ['none', { header: undefined }, 'no signature'],
  ['twice', { header: [header, header] }, 'not of the form'],
  ['shorter', { header: header.slice(0, -2) }, 'not of the form'],
  ['of another form', { header: 'v1=00' }, 'not of the form'],
])(`refuses a ${SIGNATURE_HEADER}: %s`, (_, over, why) => {
  expect(fault(over)).toContain(why);
});
