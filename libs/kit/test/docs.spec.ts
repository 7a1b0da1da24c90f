import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const ROOT = process.cwd();
const README_MAX_BYTES = 8 * 1024;
const DOCS = join(ROOT, 'libs/kit/docs');

/** Every page of the documentation. */
const pages = [
  ...[
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'apps/cli/README.md',
    'apps/create/README.md',
    'libs/kit/README.md',
    'libs/nats/README.md',
  ].map((file) => join(ROOT, file)),
  ...readdirSync(DOCS, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(DOCS, file)),
];

describe('the documentation', () => {
  it('begins with a README of at most 8 KiB', () => {
    expect(readFileSync(join(ROOT, 'README.md')).length).toBeLessThanOrEqual(README_MAX_BYTES);
  });

  it.each(pages.map((page) => relative(ROOT, page)))('has no broken link in %s', (page) => {
    const text = readFileSync(join(ROOT, page), 'utf8').replace(/^```[^]*?^```/gm, '');
    const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^https?:/.test(target));
    expect(links.filter((target) => !existsSync(join(ROOT, dirname(page), target)))).toEqual([]);
  });

  it.each(pages.map((page) => relative(ROOT, page)))(
    'shows code in %s as it stands in the file that it names',
    (page) => {
      const text = readFileSync(join(ROOT, page), 'utf8');
      for (const [, file = '', code = ''] of text.matchAll(/^<!-- from (\S+) -->\n```\w+\n([^]*?)\n```/gm))
        expect(readFileSync(join(ROOT, file), 'utf8')).toContain(code);
    },
  );

  it('is reachable from the README', () => {
    const seen = new Set<string>();
    const visit = (page: string): void => {
      if (seen.has(page) || !page.endsWith('.md')) return;
      seen.add(page);
      for (const [, target = ''] of readFileSync(page, 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g))
        if (!/^https?:/.test(target)) visit(join(dirname(page), target));
    };
    visit(join(ROOT, 'README.md'));
    const ofDocs = pages.filter((page) => page.startsWith(DOCS) && !page.includes('decisions'));
    expect(ofDocs.filter((page) => !seen.has(page)).map((page) => relative(ROOT, page))).toEqual([]);
  });
});
