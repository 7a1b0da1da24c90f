import { newRefreshToken, readRefreshToken } from './refresh-token.js';

it('reads the tokens that it makes', () => {
  const token = newRefreshToken();
  expect(readRefreshToken(token.text)).toEqual(token);
  expect(newRefreshToken(token.sessionId)).toMatchObject({ sessionId: token.sessionId });
  expect(newRefreshToken(token.sessionId).hash).not.toEqual(token.hash);
});

it('keeps nothing of a token that would open the session', () => {
  const { text, hash } = newRefreshToken();
  expect(hash).toHaveLength(32);
  expect(text).not.toContain(hash.toString('base64url'));
});

it.each(['', 'rt_', 'garbage', 'eyJhbGciOiJFZERTQSJ9.e30.AAAA', `rt_${'0'.repeat(36)}.${'A'.repeat(43)}`])(
  'reads nothing in %j',
  (text) => expect(readRefreshToken(text)).toBeUndefined(),
);
