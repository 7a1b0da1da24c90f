import { actorLines, contextLines, readHeaders } from './headers.js';

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

function crossed(...lines: Parameters<typeof contextLines>): ReturnType<typeof readHeaders> {
  return readHeaders(`NATS/1.0\r\n${contextLines(...lines)}\r\n`);
}

describe('headers', () => {
  it('carry the context', () => {
    const identity = { subject: 'u-1', roles: ['staff', 'a,b', 'böse\r\nrolle'] };
    const actor = actorLines(identity, 'ü\r\n1', 'a.b.c');
    expect(
      readHeaders(`NATS/1.0\r\n${actor}${contextLines('key: ü😀', TRACE, '{"tenant":"a: b"}')}\r\n`),
    ).toMatchObject({
      identity,
      onBehalfOf: 'ü\r\n1',
      passport: 'a.b.c',
      context: '{"tenant":"a: b"}',
      idempotencyKey: 'key: ü😀',
      trace: TRACE,
    });
  });

  it.each(['\r\nFledge-Id: another', '\n', '\r', '%0d%0a', '\u0000', '\u2028', '\ud800 lone', '%', ''])(
    'never let a value end its line: %j',
    (value) => {
      const lines = actorLines({ subject: value, roles: [value] }, value, undefined) + contextLines(value, value);
      expect(lines.split('\r\n')).toHaveLength(5);
      expect(lines.replaceAll('\r\n', '')).toMatch(/^[\x20-\x7e]*$/);
      const headers = readHeaders(`NATS/1.0\r\n${lines}\r\n`);
      expect(headers?.identity?.subject).toBe(value.replace('\ud800', '\ufffd'));
      expect(headers?.id).toBe('');
    },
  );

  // One of 5,000 characters crossed, which `withCallOptions` refuses in one process.
  it('are malformed with an idempotency key that no caller may set', () => {
    expect(crossed('k'.repeat(200), undefined)?.idempotencyKey).toHaveLength(200);
    expect(crossed('k'.repeat(201), undefined)).toBeUndefined();
    expect(crossed('k'.repeat(5_000), undefined)).toBeUndefined();
  });

  it('leave out an invalid trace', () => {
    expect(contextLines(undefined, 'x\r\ny: z')).toBe('');
    expect(readHeaders('NATS/1.0\r\ntraceparent: nonsense\r\n\r\n')).toMatchObject({ trace: undefined });
  });

  it('carry the state of tracing systems and the baggage of the application', () => {
    const trace = { traceparent: TRACE, tracestate: 'a=1,b@c=2', baggage: 'user=ann;role=staff,shop=%C3%BC' };
    expect(crossed(undefined, trace)?.trace).toEqual(trace);
  });

  it.each([
    ['a state that would end its line', { tracestate: 'a=1\r\nFledge-Id: another' }],
    ['a baggage that would end its line', { baggage: 'a=1\r\nFledge-Id: another' }],
    ['a baggage that is too large', { baggage: `a=${'x'.repeat(8_200)}` }],
    ['a state that is none', { tracestate: 'ä' }],
  ])('leave out %s, and keep the trace', (_, sent) => {
    const lines = contextLines(undefined, { traceparent: TRACE, ...sent });
    expect(lines).toBe(`traceparent: ${TRACE}\r\n`);
    const [[name, value] = ['', '']] = Object.entries(sent);
    const line = value.split('\r\n', 1)[0]?.replace('a=1', 'a');
    const read = readHeaders(`NATS/1.0\r\ntraceparent: ${TRACE}\r\n${name}: ${line}\r\n\r\n`);
    expect(read?.trace).toBe(TRACE);
  });

  it('are read regardless of their order, case and spaces, and unknown ones are skipped', () => {
    expect(
      readHeaders(
        'NATS/1.0\r\nX-Other: 1\r\nfledge-left-ms:250\r\nFLEDGE-ID: a.1\r\nFledge-Resent: 1\r\nFledge-Caller: ordering\r\n\r\n',
      ),
    ).toMatchObject({ leftMs: 250, id: 'a.1', isResent: true });
    expect(readHeaders('NATS/1.0\r\nFledge-Resent: 0\r\n\r\n')).toMatchObject({ isResent: false });
    expect(readHeaders('NATS/1.0\r\n\r\n')).toMatchObject({
      id: '',
      isResent: false,
      leftMs: undefined,
      identity: undefined,
    });
  });

  it.each(['Fledge-Left-Ms: soon', 'Fledge-Subject: %', `Fledge-Id: ${'x'.repeat(65)}`, 'no colon'])(
    'are refused when malformed: %s',
    (line) => {
      expect(readHeaders(`NATS/1.0\r\n${line}\r\n\r\n`)).toBeUndefined();
    },
  );
});
