import { jest } from '@jest/globals';
import { testModule, type TestedModule } from '@fledge/kit/testing';
import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CleanUp } from '../src/clean-up/clean-up.js';
import { IdentityModule } from '../src/index.js';
import { readRefreshToken } from '../src/sessions/refresh-token.js';
import { SessionRepository } from '../src/storage/session.repository.js';
import { UserRepository } from '../src/storage/user.repository.js';

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

let shop: TestedModule;
beforeAll(async () => {
  shop = await testModule(IdentityModule, { settings: { demo: true } });
});
afterAll(() => shop?.close());

const logIn = async (): Promise<Tokens> => {
  const answer = await shop.request('POST', '/auth/login', {
    email: 'buyer@shop.test',
    password: 'buyer-demo-password',
  });
  expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
  return answer.body as Tokens;
};
const refresh = (refreshToken: string) => shop.request('POST', '/auth/refresh', { refreshToken });
const logOut = (refreshToken: string) => shop.request('POST', '/auth/logout', { refreshToken });
const refreshed = async (refreshToken: string): Promise<Tokens> => {
  const answer = await refresh(refreshToken);
  expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
  return answer.body as Tokens;
};
const me = (token: string) =>
  shop.request('GET', '/users/me', undefined, { headers: { authorization: `Bearer ${token}` } });
const sql = (query: string, parameters: unknown[] = []): Promise<Record<string, unknown>[]> =>
  shop.get<DataSource>(DataSource).query(query, parameters);
const sessionOf = ({ refreshToken }: Tokens): string => readRefreshToken(refreshToken)?.sessionId as string;

it('renews the tokens of a session, each refresh token once', async () => {
  const first = await logIn();
  const second = await refreshed(first.refreshToken);
  const third = await refreshed(second.refreshToken);
  expect(new Set([first, second, third].map((tokens) => tokens.refreshToken)).size).toBe(3);
  expect(new Set([first, second, third].map((tokens) => tokens.accessToken)).size).toBe(3);
  expect(await me(third.accessToken)).toMatchObject({ status: 200, body: { email: 'buyer@shop.test' } });
});

it('ends the session of a refresh token that is used again, and no other', async () => {
  const other = await logIn();
  const first = await logIn();
  const second = await refreshed(first.refreshToken);
  const again = await refresh(first.refreshToken);
  expect(again).toMatchObject({ status: 401, body: { code: 'identity.session-ended.v1' } });
  expect((await refresh(second.refreshToken)).status).toBe(401);
  await refreshed(other.refreshToken);
});

it('lets one of several succeed that use one refresh token at once, and ends the session', async () => {
  const { refreshToken } = await logIn();
  const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(refreshToken)));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401, 401, 401, 401]);
  const { body } = answers.find(({ status }) => status === 200) as { body: Tokens };
  expect((await refresh(body.refreshToken)).status).toBe(401);
});

it('ends a session by any of its refresh tokens when its user logs out', async () => {
  const first = await logIn();
  const second = await refreshed(first.refreshToken);
  expect(await logOut(second.refreshToken)).toMatchObject({ status: 204, body: undefined });
  expect((await refresh(second.refreshToken)).status).toBe(401);
  const third = await logIn();
  const fourth = await refreshed(third.refreshToken);
  expect((await logOut(third.refreshToken)).status).toBe(204);
  expect((await refresh(fourth.refreshToken)).status).toBe(401);
});

it('answers every refresh token that opens nothing alike', async () => {
  const tokens = await logIn();
  const ended = await logIn();
  await logOut(ended.refreshToken);
  const forged = `rt_${sessionOf(tokens)}.${'A'.repeat(43)}`;
  const answers: unknown[] = [];
  for (const token of [ended.refreshToken, forged, `rt_${'0'.repeat(36)}.x`, 'garbage', tokens.accessToken])
    answers.push({ ...((await refresh(token)).body as object), correlationId: '' });
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]).toMatchObject({ status: 401, code: 'identity.session-ended.v1' });
  for (const token of [ended.refreshToken, 'garbage']) expect((await logOut(token)).status).toBe(204);
});

it('takes a refresh token for no access token', async () => {
  const { refreshToken } = await logIn();
  expect(await me(refreshToken)).toMatchObject({
    status: 401,
    body: { detail: 'the token is not valid or has expired' },
  });
});

it.each([{}, { refreshToken: '' }, { refreshToken: 1 }, { refreshToken: 'x'.repeat(1_001) }])(
  'refuses the body %j',
  async (body) => {
    expect((await shop.request('POST', '/auth/refresh', body)).status).toBe(400);
    expect((await shop.request('POST', '/auth/logout', body)).status).toBe(400);
  },
);

it('stores nothing by which a session could be refreshed', async () => {
  const { refreshToken } = await logIn();
  const secret = refreshToken.split('.')[1] as string;
  const text = JSON.stringify(await sql(`SELECT *, encode(token_hash, 'escape') AS text FROM sessions`));
  expect(text).not.toContain(secret);
  expect(text).not.toContain(Buffer.from(secret, 'base64url').toString('hex'));
});

it.each([
  ['30 days after the log-in', 'created_at', '30 days'],
  ['7 days after it was last refreshed', 'refreshed_at', '7 days'],
])('ends a session %s', async (_, column, age) => {
  const tokens = await logIn();
  const isKept = async (): Promise<boolean> =>
    (await sql('SELECT 1 FROM sessions WHERE id = $1', [sessionOf(tokens)])).length === 1;
  const makeOlder = (by: string) =>
    sql(`UPDATE sessions SET ${column} = now() - $2::interval WHERE id = $1`, [sessionOf(tokens), by]);
  await makeOlder(`${age} -1 minute`);
  await shop.get(CleanUp).round();
  expect(await isKept()).toBe(true);
  const { refreshToken } = await refreshed(tokens.refreshToken);
  await makeOlder(age);
  expect((await refresh(refreshToken)).status).toBe(401);
});

it('warns of a refresh token that was used again, not of one that comes too late', async () => {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  try {
    const late = await logIn();
    await sql("update sessions set refreshed_at = now() - interval '8 days' where id = $1", [sessionOf(late)]);
    expect((await refresh(late.refreshToken)).status).toBe(401);
    expect(warn).not.toHaveBeenCalled();
    const stolen = await logIn();
    await refreshed(stolen.refreshToken);
    expect((await refresh(stolen.refreshToken)).status).toBe(401);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining(sessionOf(stolen)));
  } finally {
    warn.mockRestore();
  }
});

it('deletes what has expired', async () => {
  const tokens = await logIn();
  await sql(`UPDATE sessions SET refreshed_at = now() - interval '8 days' WHERE id = $1`, [sessionOf(tokens)]);
  await sql(`INSERT INTO log_in_failures VALUES ('old', 3, now() - interval '2 hours'), ('new', 3, now())`);
  await shop.get(CleanUp).round();
  expect(await sql('SELECT 1 FROM sessions WHERE id = $1', [sessionOf(tokens)])).toEqual([]);
  expect(await sql(`SELECT key FROM log_in_failures WHERE key IN ('old', 'new')`)).toEqual([{ key: 'new' }]);
});

it('keeps the 50 sessions of a user that were refreshed last', async () => {
  const [sessions, users] = [shop.get(SessionRepository), shop.get(UserRepository)];
  const user = await users.add('many@shop.test', 'no hash', ['buyer']);
  const userId = user?.id as string;
  const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
  for (let n = 0; n < 52; n++) {
    await sessions.add(id(n), userId, Buffer.from([n]));
    await sql(`UPDATE sessions SET refreshed_at = now() - interval '1 day' + $2 * interval '1 minute' WHERE id = $1`, [
      id(n),
      n,
    ]);
  }
  const kept = await sql('SELECT id FROM sessions WHERE user_id = $1 ORDER BY id', [userId]);
  expect(kept.map((row) => row.id)).toEqual(Array.from({ length: 50 }, (_, n) => id(n + 2)));
});

it('says in an access token who may use it, for what and for how long, as the topology says', async () => {
  const other = await testModule(IdentityModule, { settings: { demo: true, accessTokenMs: 120_000 } });
  try {
    const { body } = await other.request('POST', '/auth/login', {
      email: 'staff@shop.test',
      password: 'staff-demo-password',
    });
    const { accessToken, expiresInSeconds } = body as Tokens & { expiresInSeconds: number };
    const [header, claims] = accessToken
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, number>);
    expect(header).toMatchObject({ alg: 'EdDSA', typ: 'at+jwt', kid: expect.any(String) as string });
    expect(claims).toMatchObject({ iss: 'identity', aud: 'shop', roles: ['staff'] });
    expect([expiresInSeconds, Number(claims?.exp) - Number(claims?.iat)]).toEqual([120, 120]);
  } finally {
    await other.close();
  }
});
