import type { RequestOptions, Shop } from './shop.js';

/** A request that must be refused, and the expected refusal. */
export interface Refusal {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly options?: RequestOptions;
  readonly status: number;
  /** The last part of the problem's type. */
  readonly code: string;
  /** A path among the violations. */
  readonly violation?: string;
}

/** A W3C trace id. */
const CORRELATION_ID = /^[0-9a-f]{32}$/;
const NO_ID = '6f9619ff-8b86-4d01-b42d-00c04fc964ff';

/** Bad requests of every kind: each is a problem (RFC 9457) with a stable type, never a 500. */
export function refusals(buyer: string): readonly Refusal[] {
  const json = { 'content-type': 'application/json' };
  const item = { productId: NO_ID, quantity: 1 };
  return [
    {
      name: 'malformed JSON',
      method: 'POST',
      path: '/auth/login',
      options: { body: '{"email":', headers: json },
      status: 400,
      code: 'fledge.bad-request',
    },
    {
      name: 'an empty body',
      method: 'POST',
      path: '/auth/login',
      options: { body: '', headers: json },
      status: 400,
      code: 'fledge.invalid-request',
    },
    {
      name: 'a wrong type',
      method: 'POST',
      path: '/auth/login',
      options: { body: { email: 5, password: 'x' } },
      status: 400,
      code: 'fledge.invalid-request',
      violation: 'email',
    },
    {
      name: 'a list for an object',
      method: 'POST',
      path: '/auth/login',
      options: { body: [1] },
      status: 400,
      code: 'fledge.invalid-request',
    },
    {
      name: 'an unknown field',
      method: 'POST',
      path: '/cart/items',
      options: { token: buyer, body: { ...item, gift: true } },
      status: 400,
      code: 'fledge.invalid-request',
      violation: 'gift',
    },
    {
      name: 'a prototype in a body',
      method: 'POST',
      path: '/cart/items',
      options: { token: buyer, body: '{"__proto__":{"a":1},"quantity":1}', headers: json },
      status: 400,
      code: 'fledge.bad-request',
    },
    {
      name: 'a character that cannot be stored',
      method: 'POST',
      path: '/auth/register',
      options: { body: { email: 'a\0@b.test', password: 'long-enough-here' } },
      status: 400,
      code: 'fledge.invalid-request',
      violation: 'email',
    },
    {
      name: 'a body that is nested too deeply',
      method: 'POST',
      path: '/auth/login',
      options: { body: `{"email":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, headers: json },
      status: 400,
      code: 'fledge.invalid-request',
    },
    {
      name: 'a number out of its range',
      method: 'POST',
      path: '/cart/items',
      options: { token: buyer, body: { ...item, quantity: -1 } },
      status: 400,
      code: 'fledge.invalid-request',
      violation: 'quantity',
    },
    {
      name: 'a body that is too large',
      method: 'POST',
      path: '/auth/login',
      options: { body: { email: 'x'.repeat(300_000), password: 'x' } },
      status: 413,
      code: 'fledge.body-too-large',
    },
    {
      name: 'a body that is a form',
      method: 'POST',
      path: '/auth/login',
      options: { body: 'email=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      status: 415,
      code: 'fledge.unsupported-media-type',
    },
    {
      name: 'a body that is no JSON',
      method: 'POST',
      path: '/auth/login',
      options: { body: 'email=x', headers: { 'content-type': 'text/plain' } },
      status: 415,
      code: 'fledge.unsupported-media-type',
    },
    {
      name: 'a bad cursor',
      method: 'GET',
      path: '/products?cursor=bm9uc2Vuc2U',
      status: 400,
      code: 'fledge.invalid-request',
      violation: 'cursor',
    },
    {
      name: 'a limit that is no number',
      method: 'GET',
      path: '/products?limit=many',
      status: 400,
      code: 'fledge.invalid-request',
      violation: 'limit',
    },
    {
      name: 'an unknown parameter',
      method: 'GET',
      path: '/products?colour=red',
      status: 400,
      code: 'fledge.invalid-request',
      violation: 'colour',
    },
    {
      name: 'a parameter given twice',
      method: 'GET',
      path: '/products?q=a&q=b',
      status: 400,
      code: 'fledge.invalid-request',
      violation: 'q',
    },
    {
      name: 'a bad id',
      method: 'GET',
      path: '/products/17',
      status: 400,
      code: 'fledge.invalid-request',
      violation: 'id',
    },
    {
      name: 'an id that no product has',
      method: 'GET',
      path: `/products/${NO_ID}`,
      status: 404,
      code: 'catalog.product-not-found.v1',
    },
    {
      name: 'a product that the cart cannot know',
      method: 'POST',
      path: '/cart/items',
      options: { token: buyer, body: item },
      status: 404,
      code: 'catalog.product-not-found.v1',
    },
    {
      name: 'an order that no one has',
      method: 'GET',
      path: `/orders/${NO_ID}`,
      options: { token: buyer },
      status: 404,
      code: 'ordering.order-not-found.v1',
    },
    { name: 'a path that no module has', method: 'GET', path: '/nothing', status: 404, code: 'fledge.not-found' },
    {
      name: 'a path that a module does not have',
      method: 'GET',
      path: '/products/a/b/c',
      status: 404,
      code: 'fledge.not-found',
    },
    {
      name: 'a method that a path does not have',
      method: 'DELETE',
      path: '/products',
      options: { token: buyer },
      status: 405,
      code: 'fledge.method-not-allowed',
    },
    {
      name: 'a path that cannot be decoded',
      method: 'GET',
      path: '/products/%E0%A4%A',
      status: 400,
      code: 'fledge.bad-request',
    },
    { name: 'no token', method: 'GET', path: '/cart', status: 401, code: 'fledge.unauthenticated' },
    {
      name: 'a token that is none',
      method: 'GET',
      path: '/cart',
      options: { token: 'garbage' },
      status: 401,
      code: 'fledge.unauthenticated',
    },
    {
      name: 'another scheme',
      method: 'GET',
      path: '/cart',
      options: { headers: { authorization: 'Basic eDp5' } },
      status: 401,
      code: 'fledge.unauthenticated',
    },
    {
      name: 'a token with a changed signature',
      method: 'GET',
      path: '/cart',
      options: { token: `${buyer.slice(0, -4)}AAAA` },
      status: 401,
      code: 'fledge.unauthenticated',
    },
    {
      name: 'a role that is missing',
      method: 'POST',
      path: '/products',
      options: { token: buyer, body: {} },
      status: 403,
      code: 'fledge.forbidden',
    },
    {
      name: 'a wrong password',
      method: 'POST',
      path: '/auth/login',
      options: { body: { email: 'staff@shop.test', password: 'a-wrong-password' } },
      status: 401,
      code: 'identity.wrong-credentials.v1',
    },
    {
      name: 'an address that is taken',
      method: 'POST',
      path: '/auth/register',
      options: { body: { email: 'STAFF@shop.test', password: 'correct-horse-battery' } },
      status: 409,
      code: 'identity.email-taken.v1',
    },
    {
      name: 'an empty cart',
      method: 'POST',
      path: '/orders',
      options: { token: buyer, body: {} },
      status: 409,
      code: 'ordering.empty-cart.v1',
    },
  ];
}

interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly correlationId: string;
  readonly violations?: readonly { readonly path: string }[];
}

/** The problems with the answers to all bad requests; empty if each is the expected problem. */
export async function checkRefusals(shop: Shop, buyer: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const refusal of refusals(buyer)) {
    const { status, type, body } = await shop.request(refusal.method, refusal.path, refusal.options);
    const problem = (body ?? {}) as ProblemBody;
    const fits =
      status === refusal.status &&
      type.startsWith('application/problem+json') &&
      problem.type === `urn:problem:${refusal.code}` &&
      problem.status === status &&
      problem.title.length > 0 &&
      problem.detail.length > 0 &&
      CORRELATION_ID.test(problem.correlationId) &&
      (refusal.violation === undefined || problem.violations?.some(({ path }) => path === refusal.violation));
    if (!fits)
      wrong.push(`${refusal.name}: wanted ${refusal.status} ${refusal.code}, got ${status} ${JSON.stringify(body)}`);
  }
  return wrong;
}
