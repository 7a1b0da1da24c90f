import type { Shop } from './shop.js';

const NO_ID = '6f9619ff-8b86-4d01-b42d-00c04fc964ff';

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

const CREDENTIALS = { email: 'session@journey.test', password: 'correct-horse-battery' };
/** More than may fail before the next log-in has to wait. */
const FAILURES_MAX = 50;

/** A user's sessions: refreshed, stolen, ended; and a stranger who guesses the password. */
export async function sessionJourney(shop: Shop): Promise<void> {
  await shop.expect(201, 'POST', '/auth/register', { body: CREDENTIALS });
  const logIn = (): Promise<Tokens> => shop.expect(200, 'POST', '/auth/login', { body: CREDENTIALS });
  const refresh = (status: number, refreshToken: string): Promise<Tokens> =>
    shop.expect(status, 'POST', '/auth/refresh', { body: { refreshToken } });

  const first = await logIn();
  const second = await refresh(200, first.refreshToken);
  for (const path of ['/users/me', '/cart', '/orders', '/notifications'])
    await shop.expect(200, 'GET', path, { token: second.accessToken });

  // one kind of token is not the other, for any module
  for (const path of ['/users/me', '/cart', '/orders', `/stock/${NO_ID}`, '/payments', '/shipments', '/notifications'])
    await shop.expect(401, 'GET', path, { token: second.refreshToken });
  await refresh(401, second.accessToken);

  // a thief and the user have the same token: whoever comes second ends the session
  await refresh(401, first.refreshToken);
  await refresh(401, second.refreshToken);

  const third = await logIn();
  await shop.expect(204, 'POST', '/auth/logout', { body: { refreshToken: third.refreshToken } });
  await shop.expect(204, 'POST', '/auth/logout', { body: { refreshToken: third.refreshToken } });
  await refresh(401, third.refreshToken);

  await guess(shop, CREDENTIALS.email);
  await guess(shop, 'nobody@journey.test');
}

/** Guesses until it must wait; then the right password must, too. Not in the transcript, since the number is random. */
async function guess(shop: Shop, email: string): Promise<void> {
  const post = (password: string): Promise<Response> =>
    fetch(`${shop.url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    });
  for (let failures = 0; failures < FAILURES_MAX; failures++) {
    const answer = await post('wrong password');
    const { code } = (await answer.json()) as { code: string };
    if (answer.status === 401) continue;
    // the pauses double: this one is longer than a request
    if (failures < 10) continue;
    const next = await post(CREDENTIALS.password);
    if (answer.status !== 429 || code !== 'identity.log-in-blocked.v1' || next.status !== 429)
      throw new Error(`guesses are answered ${answer.status} ${code}, then ${next.status}`);
    if (!(Number(next.headers.get('retry-after')) >= 1)) throw new Error('the answer does not say when to try again');
    return;
  }
  throw new Error(`${FAILURES_MAX} guesses at ${email} were not slowed down`);
}
