import { BLANK, DATE, DRAGON, errors, get, NUMBER, post, remove, type Step, TEXT } from './step.js';

export const COMMENTS = `/articles/${DRAGON}/comments`;

export const comments: readonly Step[] = [
  get('has no comments at first', COMMENTS, {}, { status: 200, is: { '': { comments: [] } } }),
  post(
    'comments',
    COMMENTS,
    { as: 'bob', body: { comment: { body: 'His name was my name too.' } } },
    {
      status: 201,
      is: {
        'comment.id': NUMBER,
        'comment.body': 'His name was my name too.',
        'comment.createdAt': DATE,
        'comment.updatedAt': DATE,
        'comment.author.username': 'bob',
        'comment.author.bio': null,
        'comment.author.following': false,
        'comment.articleId': undefined,
      },
    },
  ),
  post(
    'answers',
    COMMENTS,
    { as: 'ada', body: { comment: { body: 'Thanks' } } },
    {
      status: 201,
      is: {
        'comment.body': 'Thanks',
        'comment.author.username': 'ada',
        'comment.author.image': 'https://conduit.test/ada.png',
      },
    },
  ),
  get(
    'lists comments',
    COMMENTS,
    {},
    {
      status: 200,
      is: {
        'comments.length': 2,
        'comments.0.body': 'His name was my name too.',
        'comments.0.author.username': 'bob',
        'comments.1.author.username': 'ada',
        'comments.1.author.following': false,
        'comments.1.createdAt': DATE,
      },
    },
  ),
  get(
    'shows in comments whom one follows',
    COMMENTS,
    { as: 'bob' },
    {
      status: 200,
      is: { 'comments.0.author.following': false, 'comments.1.author.following': true },
    },
  ),
  get(
    'has no comments of another article',
    '/articles/bob-co/comments',
    {},
    { status: 200, is: { 'comments.length': 0 } },
  ),
  post(
    'refuses an empty comment',
    COMMENTS,
    { as: 'bob', body: { comment: { body: '' } } },
    errors(422, 'body', BLANK),
  ),
  post('lets nobody comment', COMMENTS, { body: { comment: { body: 'x' } } }, errors(401, 'token', ['is missing'])),
  post(
    'comments nothing unknown',
    '/articles/none/comments',
    { as: 'bob', body: { comment: { body: 'x' } } },
    errors(404, 'article', ['not found']),
  ),
  get('lists no comments of nothing', '/articles/none/comments', {}, errors(404, 'article', ['not found'])),
  remove('removes no comment of another', `${COMMENTS}/1`, { as: 'ada' }, errors(403, 'comment', ['forbidden'])),
  remove(
    'removes no comment by the address of another article',
    '/articles/bob-co/comments/1',
    { as: 'bob' },
    errors(404, 'comment', ['not found']),
  ),
  remove('lets nobody remove', `${COMMENTS}/1`, {}, errors(401, 'token', ['is missing'])),
  remove(
    'removes nothing without a number',
    `${COMMENTS}/x`,
    { as: 'bob' },
    { status: 400, is: { statusCode: 400, message: TEXT } },
  ),
  remove('removes a comment', `${COMMENTS}/1`, { as: 'bob' }, { status: 204 }),
  remove('removes it once', `${COMMENTS}/1`, { as: 'bob' }, errors(404, 'comment', ['not found'])),
  get(
    'lists the comments that are left',
    COMMENTS,
    {},
    { status: 200, is: { 'comments.length': 1, 'comments.0.body': 'Thanks' } },
  ),
];
