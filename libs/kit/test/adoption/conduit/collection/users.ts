import { ADA, BLANK, BOB, errors, get, including, post, put, remove, type Step, TAKEN, TEXT } from './step.js';

export const users: readonly Step[] = [
  post(
    'registers ada',
    '/users',
    { body: { user: ADA } },
    {
      status: 201,
      is: {
        'user.email': ADA.email,
        'user.username': 'ada',
        'user.token': TEXT,
        'user.bio': null,
        'user.image': null,
        'user.password': undefined,
        'user.passwordHash': undefined,
      },
    },
  ),
  post('registers bob', '/users', { body: { user: BOB } }, { status: 201, is: { 'user.username': 'bob' } }),
  post(
    'refuses a username that is taken',
    '/users',
    { body: { user: { ...ADA, email: 'x@conduit.test' } } },
    errors(409, 'username', TAKEN),
  ),
  post(
    'refuses an email that is taken',
    '/users',
    { body: { user: { ...ADA, username: 'x' } } },
    errors(409, 'email', TAKEN),
  ),
  post(
    'refuses a registration without a name',
    '/users',
    { body: { user: { ...ADA, username: '' } } },
    errors(422, 'username', BLANK),
  ),
  post(
    'refuses a registration without an email',
    '/users',
    { body: { user: { ...ADA, email: undefined } } },
    {
      status: 422,
      is: { 'errors.email': including(BLANK), 'errors.username': undefined },
    },
  ),
  post(
    'refuses a short password',
    '/users',
    { body: { user: { ...ADA, password: 'short' } } },
    errors(422, 'password', ['is too short (minimum is 8 characters)']),
  ),
  post(
    'refuses an empty registration',
    '/users',
    { body: {} },
    {
      status: 422,
      is: {
        'errors.username': BLANK,
        'errors.email': including(BLANK),
        'errors.password': including(BLANK),
      },
    },
  ),
  post('refuses a body that is no JSON', '/users', { body: '{"user":' }, { status: 400 }),
  post(
    'logs ada in',
    '/users/login',
    { body: { user: { email: ADA.email, password: ADA.password } } },
    {
      status: 200,
      is: { 'user.email': ADA.email, 'user.username': 'ada', 'user.token': TEXT, 'user.bio': null },
    },
  ),
  post(
    'refuses a wrong password',
    '/users/login',
    { body: { user: { ...BOB, password: 'wrong' } } },
    errors(401, 'credentials', ['invalid']),
  ),
  post(
    'refuses an unknown email',
    '/users/login',
    { body: { user: { ...BOB, email: 'no@conduit.test' } } },
    errors(401, 'credentials', ['invalid']),
  ),
  post(
    'refuses a login without a password',
    '/users/login',
    { body: { user: { email: BOB.email } } },
    errors(422, 'password', BLANK),
  ),
  get(
    'shows ada herself',
    '/user',
    { as: 'ada' },
    {
      status: 200,
      is: { 'user.email': ADA.email, 'user.username': 'ada', 'user.token': TEXT, 'user.image': null },
    },
  ),
  get('shows nobody himself', '/user', {}, errors(401, 'token', ['is missing'])),
  get(
    'refuses a token that is none',
    '/user',
    { headers: { authorization: 'Token nonsense' } },
    errors(401, 'token', ['is invalid']),
  ),
  get(
    'refuses a token of another scheme',
    '/user',
    { headers: { authorization: 'Bearer nonsense' } },
    errors(401, 'token', ['is missing']),
  ),
  put(
    'changes the bio and the image',
    '/user',
    { as: 'ada', body: { user: { bio: 'Counts.', image: 'https://conduit.test/ada.png' } } },
    {
      status: 200,
      is: { 'user.bio': 'Counts.', 'user.image': 'https://conduit.test/ada.png', 'user.email': ADA.email },
    },
  ),
  put(
    'changes the email',
    '/user',
    { as: 'ada', body: { user: { email: 'countess@conduit.test' } } },
    {
      status: 200,
      is: { 'user.email': 'countess@conduit.test', 'user.bio': 'Counts.' },
    },
  ),
  put(
    'changes the password',
    '/user',
    { as: 'ada', body: { user: { password: 'difference-engine' } } },
    { status: 200, is: { 'user.username': 'ada' } },
  ),
  post(
    'takes the new password',
    '/users/login',
    { body: { user: { email: 'countess@conduit.test', password: 'difference-engine' } } },
    {
      status: 200,
      is: { 'user.username': 'ada', 'user.bio': 'Counts.' },
    },
  ),
  put(
    'refuses the username of another',
    '/user',
    { as: 'ada', body: { user: { username: 'bob' } } },
    errors(409, 'username', TAKEN),
  ),
  put(
    'refuses an empty username',
    '/user',
    { as: 'ada', body: { user: { username: '' } } },
    errors(422, 'username', BLANK),
  ),
  put('changes nobody', '/user', { body: { user: { bio: 'x' } } }, errors(401, 'token', ['is missing'])),
];

export const profiles: readonly Step[] = [
  get(
    'shows a profile to everyone',
    '/profiles/ada',
    {},
    {
      status: 200,
      is: {
        'profile.username': 'ada',
        'profile.bio': 'Counts.',
        'profile.image': 'https://conduit.test/ada.png',
        'profile.following': false,
        'profile.email': undefined,
        'profile.id': undefined,
      },
    },
  ),
  post(
    'follows',
    '/profiles/ada/follow',
    { as: 'bob' },
    { status: 200, is: { 'profile.username': 'ada', 'profile.following': true } },
  ),
  post('follows twice', '/profiles/ada/follow', { as: 'bob' }, { status: 200, is: { 'profile.following': true } }),
  get(
    'shows who follows that they do',
    '/profiles/ada',
    { as: 'bob' },
    { status: 200, is: { 'profile.following': true } },
  ),
  get(
    'shows others that they do not',
    '/profiles/ada',
    { as: 'ada' },
    { status: 200, is: { 'profile.following': false } },
  ),
  remove(
    'unfollows',
    '/profiles/ada/follow',
    { as: 'bob' },
    { status: 200, is: { 'profile.username': 'ada', 'profile.following': false } },
  ),
  get(
    'shows that nobody follows any more',
    '/profiles/ada',
    { as: 'bob' },
    { status: 200, is: { 'profile.following': false } },
  ),
  get('knows no stranger', '/profiles/nobody', {}, errors(404, 'profile', ['not found'])),
  post('follows no stranger', '/profiles/nobody/follow', { as: 'bob' }, errors(404, 'profile', ['not found'])),
  post('lets nobody follow', '/profiles/ada/follow', {}, errors(401, 'token', ['is missing'])),
  remove('lets nobody unfollow', '/profiles/ada/follow', {}, errors(401, 'token', ['is missing'])),
];
