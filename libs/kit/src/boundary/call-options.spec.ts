import { currentCall, IDEMPOTENCY_KEY_CHARS_MAX, withCallOptions } from './call-options.js';
import { now } from './clock.js';
import { currentContext, CallContext, inTransaction, runInContext, runInTransaction } from './call-context.js';

const outer = (deadlineMs = Infinity): CallContext =>
  new CallContext(
    'ordering',
    'http',
    now() + deadlineMs,
    { subject: 'u-1', roles: [] },
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'outer',
  );
const look = () => Promise.resolve(currentCall());

describe('withCallOptions', () => {
  it.each([
    ['deadlineMs', { deadlineMs: -1 }, 'deadlineMs must be 0 or more, is -1'],
    ['deadlineMs', { deadlineMs: NaN }, 'deadlineMs must be 0 or more, is NaN'],
    ['idempotencyKey', { idempotencyKey: '' }, 'idempotencyKey must have 1 to 200 characters, has 0'],
    [
      'idempotencyKey',
      { idempotencyKey: 'k'.repeat(IDEMPOTENCY_KEY_CHARS_MAX + 1) },
      'idempotencyKey must have 1 to 200 characters, has 201',
    ],
  ])('rejects a %s that is out of bounds, and runs nothing', async (_, options, message) => {
    let ran = false;
    const promise = withCallOptions(options, () => Promise.resolve((ran = true)));
    await expect(promise).rejects.toThrow(new RangeError(message));
    expect(ran).toBe(false);
  });

  it('accepts values at the bounds', async () => {
    const key = 'k'.repeat(IDEMPOTENCY_KEY_CHARS_MAX);
    const call = await withCallOptions({ deadlineMs: 0, idempotencyKey: key }, look);
    expect(call?.idempotencyKey).toBe(key);
    expect(call?.timeLeftMs).toBeLessThanOrEqual(0);
    expect((await withCallOptions({ deadlineMs: Infinity }, look))?.timeLeftMs).toBe(Infinity);
  });

  it('shortens the remaining time, and never extends it', async () => {
    await runInContext(outer(1_000), async () => {
      expect((await withCallOptions({ deadlineMs: 100 }, look))?.timeLeftMs).toBeLessThanOrEqual(100);
      expect((await withCallOptions({ deadlineMs: 60_000 }, look))?.timeLeftMs).toBeLessThanOrEqual(1_000);
      expect((await withCallOptions({}, look))?.timeLeftMs).toBeLessThanOrEqual(1_000);
    });
  });

  it('keeps the rest of the context', async () => {
    const call = await runInContext(outer(), () => withCallOptions({ deadlineMs: 100 }, look));
    expect(call).toMatchObject({
      caller: 'http',
      identity: { subject: 'u-1' },
      idempotencyKey: 'outer',
      correlationId: '0af7651916cd43dd8448eb211c80319c',
    });
    expect(
      (await runInContext(outer(), () => withCallOptions({ idempotencyKey: 'inner' }, look)))?.idempotencyKey,
    ).toBe('inner');
    expect(
      await runInTransaction({ owner: {}, manager: {} }, () =>
        withCallOptions({}, () => Promise.resolve(inTransaction(currentContext()))),
      ),
    ).toBe(true);
  });

  it('sets only these options outside any call, and ends with them', async () => {
    expect(currentCall()).toBeUndefined();
    expect(await withCallOptions({ idempotencyKey: 'k' }, look)).toMatchObject({
      caller: 'job',
      identity: undefined,
      idempotencyKey: 'k',
    });
    expect(currentCall()).toBeUndefined();
  });

  it('cancels with its own signal, before or during the call, and with the surrounding call', async () => {
    const isAborted = (): boolean => currentCall()?.signal.aborted ?? false;
    expect(await withCallOptions({ signal: AbortSignal.abort() }, () => Promise.resolve(isAborted()))).toBe(true);
    const own = new AbortController();
    expect(
      await withCallOptions({ signal: own.signal }, () => Promise.resolve([isAborted(), own.abort(), isAborted()])),
    ).toEqual([false, undefined, true]);
    const context = outer();
    expect(
      await runInContext(context, () =>
        withCallOptions({}, () => Promise.resolve([isAborted(), context.cancel(), isAborted()])),
      ),
    ).toEqual([false, undefined, true]);
    expect(await runInContext(context, () => withCallOptions({}, () => Promise.resolve(isAborted())))).toBe(true);
  });

  it('leaves nothing behind on the signal and the surrounding call, even when it fails', async () => {
    const { signal } = new AbortController();
    const context = outer();
    let inner: CallContext | undefined;
    const failing = runInContext(context, () =>
      withCallOptions({ signal }, () => ((inner = currentContext()), Promise.reject(new Error('x')))),
    );
    await expect(failing).rejects.toThrow('x');
    context.cancel();
    expect(inner?.cancelled).toBe(false);
  });
});
