import { articles } from './articles.js';
import { COMMENTS, comments } from './comments.js';
import { containing, DRAGON, errors, get, remove, type Step } from './step.js';
import { profiles, users } from './users.js';

export type { Step };

const ORIGIN = { origin: 'https://reader.test' };

const end: readonly Step[] = [
  remove('removes no article of another', `/articles/${DRAGON}`, { as: 'bob' }, errors(403, 'article', ['forbidden'])),
  remove('lets nobody remove an article', `/articles/${DRAGON}`, {}, errors(401, 'token', ['is missing'])),
  remove('removes nothing unknown', '/articles/none', { as: 'ada' }, errors(404, 'article', ['not found'])),
  remove('removes an article', `/articles/${DRAGON}`, { as: 'ada' }, { status: 204 }),
  get('shows it no more', `/articles/${DRAGON}`, {}, errors(404, 'article', ['not found'])),
  get('shows its comments no more', COMMENTS, {}, errors(404, 'article', ['not found'])),
  get(
    'lists what is left',
    '/articles',
    { headers: ORIGIN },
    {
      status: 200,
      is: { articlesCount: 2, 'articles.0.slug': 'more-notes' },
      has: { 'access-control-allow-origin': '*' },
    },
  ),
  {
    name: 'answers a preflight',
    method: 'OPTIONS',
    path: '/articles/bob-co/comments',
    headers: { ...ORIGIN, 'access-control-request-method': 'DELETE' },
    status: 204,
    has: { 'access-control-allow-origin': '*', 'access-control-allow-methods': containing('DELETE') },
  },
  get(
    'knows no other path',
    '/articles/bob-co/none',
    {},
    {
      status: 404,
      is: { '': { statusCode: 404, error: 'Not Found', message: 'Cannot GET /api/articles/bob-co/none' } },
    },
  ),
];

/** A client's use of the API of RealWorld: every route, with and without a token, and what each refuses. */
export const COLLECTION: readonly Step[] = [...users, ...profiles, ...articles, ...comments, ...end];
