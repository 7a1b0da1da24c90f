import { Catalogue, ModuleServer } from '../boundary/index.js';
import { CALL_LIMITS_DEFAULT, FledgeError } from '../contract/index.js';
import { TargetContract, Work } from '../compliance/law/target.contract.js';
import { type PlainReply, type PlainRequest, receive } from './plain-calls.js';

const MESSAGE = 'target.work.v1';

function serverOf(execute: (message: object) => unknown): ModuleServer {
  const catalogue = new Catalogue([TargetContract]);
  const message = catalogue.message(Work);
  if (!message) throw new Error('no such message');
  const server = new ModuleServer('target', [message], CALL_LIMITS_DEFAULT, () => undefined);
  server.handle(message, { execute });
  return server;
}

function answerOf(
  request: unknown,
  execute: (message: object) => unknown = () => undefined,
): Promise<{ ok: boolean; code: unknown }> {
  return new Promise((resolve) => {
    receive(serverOf(execute), request as PlainRequest, ({ ok, body }: PlainReply) =>
      resolve({ ok, code: body === '' ? undefined : (JSON.parse(body) as FledgeError).code }),
    );
  });
}

const SOUND = { message: MESSAGE, caller: 'caller', body: JSON.stringify({ id: 'a', ms: 0 }), leftMs: 1_000 };

describe('a call received as plain data', () => {
  it.each<[string, unknown, boolean, string | undefined]>([
    ['a sound one', SOUND, true, undefined],
    ['one without a time', { ...SOUND, leftMs: undefined }, true, undefined],
    ['nothing', null, false, 'fledge.invalid-message'],
    ['another type', { ...SOUND, traceparent: 5 }, false, 'fledge.invalid-message'],
    ['a trace that is none', { ...SOUND, traceparent: 'a\nb' }, false, 'fledge.invalid-message'],
    ['a context that is no text', { ...SOUND, context: { tenant: 'acme' } as never }, false, 'fledge.invalid-message'],
    ['a context that is no JSON', { ...SOUND, context: 'acme' }, false, 'fledge.invalid-message'],
    ['a key that no caller may set', { ...SOUND, idempotencyKey: 'k'.repeat(201) }, false, 'fledge.invalid-message'],
    ['an identity without roles', { ...SOUND, identity: { subject: 'me' } }, false, 'fledge.invalid-message'],
    ['a caller that is no module', { ...SOUND, caller: 'Caller\n' }, false, 'fledge.invalid-message'],
    ['a body that is no JSON', { ...SOUND, body: '{' }, false, 'fledge.invalid-message'],
    ['a message that nobody handles', { ...SOUND, message: 'target.nothing.v1' }, false, 'fledge.module-unavailable'],
    ['one whose time is spent', { ...SOUND, leftMs: -1 }, false, 'fledge.deadline-exceeded'],
  ])('is answered: %s', async (_, request, ok, code) => {
    expect(await answerOf(request)).toEqual({ ok, code });
  });

  it('is answered once, at its deadline, although its handler continues', async () => {
    let end: (() => void) | undefined;
    const answers: PlainReply[] = [];
    const answered = new Promise<void>((resolve) => {
      receive(
        serverOf(() => new Promise<void>((done) => (end = done))),
        { ...SOUND, leftMs: 20 },
        (reply) => (answers.push(reply), resolve()),
      );
    });
    await answered;
    end?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(answers.map(({ body }) => (JSON.parse(body) as FledgeError).code)).toEqual(['fledge.deadline-exceeded']);
  });

  it('does not crash the process when its response cannot be sent', () => {
    expect(() =>
      receive(
        serverOf(() => undefined),
        SOUND,
        () => {
          throw new Error('the channel is closed');
        },
      ),
    ).not.toThrow();
  });
});
