import { networkOf, trustOf } from './trusted-proxies.js';

describe('trusted proxies', () => {
  const trusts = trustOf(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32', '::1']);

  it.each([
    ['10.255.0.1', true],
    ['11.0.0.1', false],
    ['192.0.2.1', true],
    ['192.0.2.2', false],
    ['::ffff:10.1.2.3', true],
    ['::ffff:11.1.2.3', false],
    ['2001:db8:1::1', true],
    ['2001:db9::1', false],
    ['::1', true],
    ['unknown', false],
    ['', false],
    [undefined, false],
  ])('of %s: %s', (address, isTrusted) => expect(trusts(address)).toBe(isTrusted));

  it.each(['10.0.0.0/33', '::/129', '10.0.0', 'localhost', '10.0.0.1/', '10.0.0.1/8/8', ''])('are not %j', (text) =>
    expect(networkOf(text)).toBeUndefined(),
  );
});
