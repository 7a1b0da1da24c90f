import { emailKey } from './user.js';

describe('emailKey', () => {
  it.each([
    ['Ann@Shop.test', 'ann@shop.test'],
    ['  ann@shop.test ', 'ann@shop.test'],
    ['ANN@SHOP.TEST', 'ann@shop.test'],
  ])('takes %j for %j', (email, key) => expect(emailKey(email)).toBe(key));

  it('takes two spellings of one letter for one: composed and decomposed', () => {
    expect(emailKey('zoe\u0308@shop.test')).toBe(emailKey('zo\u00eb@shop.test'));
  });

  it('keeps apart what differs in more than case', () =>
    expect(emailKey('a.nn@shop.test')).not.toBe(emailKey('ann@shop.test')));
});
