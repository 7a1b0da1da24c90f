import { DeadLetters } from '../../src/messaging/operations/dead-letters.js';
import { HISTORY_MAX } from '../../src/messaging/processes/history.js';
import type { Run } from '../../src/messaging/processes/run.js';
import { eventually } from '../../src/testing/eventually.js';
import { type CheckoutState, doings, openCheckouts, Paid, placed } from './checkouts.js';

const checkouts = await openCheckouts();
const { handle, handleMessage, happenings, message, replica, stored } = checkouts;

afterEach(() => checkouts.reset());
afterAll(() => checkouts.close());

describe('a run that fails', () => {
  let broken = true;
  const failing = (): void => {
    if (broken) throw new Error('the bank is closed');
  };

  beforeEach(() => (broken = true));

  it('is visible with its history, handles nothing until it is resumed, and then everything in order', async () => {
    const one = await replica();
    doings.set('p1', failing);
    await handle(placed('a'));
    await one.accept(new Paid({ orderId: 'a', paymentId: 'p1' }));
    await eventually(async () => expect((await stored('a')).status).toBe('failed'), 'it has failed');
    expect((await happenings('a')).at(-1)).toBe('failed bank.paid.v1: failed 2 times; Error: the bank is closed');
    await one.accept(new Paid({ orderId: 'a', paymentId: 'p2' }));
    await eventually(
      async () => expect((await stored('a')).history.filter(({ what }) => what === 'failed')).toHaveLength(2),
      'the next event waits with it',
    );
    expect(await checkouts.processes.list({ status: 'failed' })).toMatchObject([{ name: 'checkout', key: 'a' }]);

    broken = false;
    expect(await checkouts.processes.resume('checkout', 'a')).toBe(2);
    await eventually(async () => expect((await stored('a')).state.payments).toBe(2), 'both are handled');
    expect(await stored('a')).toMatchObject({ status: 'running' });
    expect((await happenings('a')).slice(-3).map((line) => line.split(' ')[0])).toEqual(['resumed', 'event', 'event']);
  });

  it.each(['resend', 'abandon'] as const)('continues when its dead letter is settled by hand: %s', async (how) => {
    const one = await replica();
    doings.set('p1', failing);
    await handle(placed('a'));
    await one.accept(new Paid({ orderId: 'a', paymentId: 'p1' }));
    await eventually(async () => expect((await stored('a')).status).toBe('failed'), 'it has failed');
    broken = false;
    const letters = new DeadLetters(checkouts.sql);
    const [letter] = await letters.list();
    await letters[how]('checkout', letter?.messageId ?? '');
    await one.accept(new Paid({ orderId: 'a', paymentId: 'p1' }));
    await eventually(
      async () => expect((await stored('a')).state.payments).toBe(how === 'resend' ? 2 : 1),
      'it has gone on',
    );
    expect((await stored('a')).status).toBe('running');
  });

  it('is visible even when it failed at its start', async () => {
    const one = await replica();
    await one.accept(placed('a', failing));
    await eventually(async () => expect((await stored('a')).status).toBe('failed'), 'it has failed');
    broken = false;
    await checkouts.processes.resume('checkout', 'a');
    await eventually(async () => expect(await happenings('a')).toContain('started orders.placed.v1'), 'it has started');
    expect((await stored('a')).status).toBe('running');
  });

  it('takes no other event before its first while it is being started again', async () => {
    const one = await replica();
    await one.accept(placed('a', failing));
    await eventually(async () => expect((await stored('a')).status).toBe('failed'), 'it has failed');
    await one.stop();
    await checkouts.processes.resume('checkout', 'a');
    await expect(handle(new Paid({ orderId: 'a', paymentId: 'p1' }))).rejects.toMatchObject({
      code: 'fledge.run-not-started',
    });
    await checkouts.sql.rows("update fledge_inbox set state = 'abandoned' where consumer = 'checkout'");
    await handle(new Paid({ orderId: 'a', paymentId: 'p1' }));
    expect((await stored('a')).state).toBeNull();
  });

  it('fails on a timer as it does on an event', async () => {
    const one = await replica();
    await one.accept(placed('a', (run) => run.setTimer('other', 0)));
    await eventually(
      async () => expect((await happenings('a')).at(-1)).toContain('failed other: failed 2 times'),
      'it has failed on the timer',
    );
  });

  it('distinguishes what was sent again from what arrives for the first time', async () => {
    const one = await replica();
    const seen: string[] = [];
    doings.set('p1', (run) => {
      seen.push(`p1 ${run.isResumed}`);
      failing();
    });
    doings.set('p2', (run) => seen.push(`p2 ${run.isResumed}`));
    await handle(placed('a'));
    await one.accept(new Paid({ orderId: 'a', paymentId: 'p1' }));
    await eventually(async () => expect((await stored('a')).status).toBe('failed'), 'it has failed');
    broken = false;
    await checkouts.processes.resume('checkout', 'a');
    await eventually(async () => expect((await stored('a')).state.payments).toBe(1), 'it goes on');
    await one.accept(new Paid({ orderId: 'a', paymentId: 'p2' }));
    await eventually(() => expect(seen).toEqual(['p1 false', 'p1 false', 'p1 true', 'p2 false']), 'each knows');
  });

  it('recognizes what was sent again even when its history has dropped the failure', async () => {
    const one = await replica();
    const [seen, noted]: [boolean[], (run: Run<CheckoutState>) => void] = [
      [],
      (run) => Array.from({ length: 2 * HISTORY_MAX }, (_, n) => run.note(`n${n}`)),
    ];
    doings.set('p1', (run) => {
      seen.push(run.isResumed);
      failing();
    });
    doings.set('p2', noted);
    const [first, meanwhile] = [
      message(new Paid({ orderId: 'a', paymentId: 'p1' })),
      message(new Paid({ orderId: 'a', paymentId: 'p2' })),
    ];
    await handle(placed('a'));
    await one.acceptMessages(first);
    await eventually(async () => expect((await stored('a')).status).toBe('failed'), 'it has failed');
    await one.stop();
    await checkouts.processes.resume('checkout', 'a');
    // it is handled before the one that was sent again, as can happen when its consumer skips dead letters
    await handleMessage(meanwhile);
    expect((await stored('a')).history.filter(({ what }) => what === 'failed')).toEqual([]);
    broken = false;
    await handleMessage(first);
    expect(seen).toEqual([false, false, true]);
  });

  it('cannot be resumed when it has not failed', async () => {
    await handle(placed('a'));
    await expect(checkouts.processes.resume('checkout', 'a')).rejects.toMatchObject({ code: 'fledge.run-not-failed' });
    await expect(checkouts.processes.resume('checkout', 'b')).rejects.toMatchObject({ code: 'fledge.run-not-failed' });
  });
});
