import { PathOwners } from './path-owners.js';

function ownersOf(...prefixes: readonly string[]): PathOwners<string> {
  const owners = new PathOwners<string>();
  for (const prefix of prefixes) owners.set(prefix, prefix);
  return owners;
}

describe('the owner of a path', () => {
  const prefixes = [
    '/articles',
    '/articles/:slug/comments',
    '/articles/feed/comments',
    '/articles/:slug/:part/old',
    '/articles/:slug/comments/:id',
    '/files/:name/v1.0',
  ];

  it.each([
    ['/articles', '/articles'],
    ['/articles?limit=1/comments', '/articles'],
    ['/articles/emma', '/articles'],
    ['/articles/emma/commentsx', '/articles'],
    ['/articles//comments', '/articles'],
    ['/articles/emma/comments', '/articles/:slug/comments'],
    ['/articles/emma/comments/', '/articles/:slug/comments'],
    ['/articles/emma/comments?limit=1', '/articles/:slug/comments'],
    ['/articles/feed/comments', '/articles/feed/comments'],
    ['/articles/emma/comments/old', '/articles/:slug/comments/:id'],
    ['/articles/emma/more/old', '/articles/:slug/:part/old'],
    ['/articles/emma/comments/1/likes', '/articles/:slug/comments/:id'],
    ['/files/a/v1.0', '/files/:name/v1.0'],
    ['/files/a/v1x0', undefined],
    ['/none', undefined],
  ])('%s is that of %s', (path, owner) => {
    expect(ownersOf(...prefixes).of(path)).toBe(owner);
    // in whatever order they were added
    expect(ownersOf(...prefixes.toReversed()).of(path)).toBe(owner);
  });

  it('is that of all paths, where one is and no other has it', () => {
    expect(ownersOf('/', ...prefixes).of('/none')).toBe('/');
  });

  it('is found under any names of the parameters', () => {
    const owners = ownersOf(...prefixes);
    expect(owners.get('/articles/:id/comments')).toBe('/articles/:slug/comments');
    expect(owners.get('/articles/:id')).toBeUndefined();
    owners.set('/articles/:id/comments', 'another');
    expect(owners.of('/articles/emma/comments')).toBe('another');
    expect(owners.entries()).toHaveLength(prefixes.length);
  });
});
