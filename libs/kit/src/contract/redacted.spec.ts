import { StartupError } from './errors.js';
import { redacted, redactedValue } from './redacted.js';

describe('a text for a log or an error', () => {
  it.each([
    ['connect to postgres://shop:s3cret@db:5432/shop failed', 'connect to postgres://shop:***@db:5432/shop failed'],
    ['postgres://shop:p@ss@db/shop', 'postgres://shop:***@db/shop'],
    ['postgres://:s3cret@db/shop', 'postgres://:***@db/shop'],
    ["{ url: 'nats://a:b@h1:4222,nats://c:d@h2' }", "{ url: 'nats://a:***@h1:4222,nats://c:***@h2' }"],
    ['nats://a-token@h1', 'nats://***@h1'],
    ['smtps://user:pw@mail.test and tls://x:y@n', 'smtps://user:***@mail.test and tls://x:***@n'],
    ['postgres://shop@db/shop', 'postgres://shop@db/shop'],
    ['mail to a@b.test from http://host:80/x', 'mail to a@b.test from http://host:80/x'],
  ])('shows no password: %s', (text, shown) => {
    expect(redacted(text)).toBe(shown);
  });

  it('shows none in values inside it', () => {
    expect(redactedValue({ a: ['postgres://u:p@h', 1], b: { c: 'x' }, d: null })).toEqual({
      a: ['postgres://u:***@h', 1],
      b: { c: 'x' },
      d: null,
    });
  });

  it('shows none as the message of an error of the start', () => {
    expect(new StartupError('data', 'postgres://u:p@h is away', 'Look.').message).toBe('postgres://u:***@h is away');
  });
});
