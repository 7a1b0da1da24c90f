import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { blocksOf, differences, PAGES } from './documentation.js';

const README_MAX_BYTES = 8 * 1024;
const DOCS = 'libs/kit/docs';

describe('the documentation', () => {
  it('begins with a README of at most 8 KiB', () => {
    expect(readFileSync('README.md').length).toBeLessThanOrEqual(README_MAX_BYTES);
  });

  it.each(PAGES)('has no broken link in %s', (page) => {
    const text = readFileSync(page, 'utf8').replace(/^```[^]*?^```/gm, '');
    const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^https?:/.test(target));
    expect(links.filter((target) => !existsSync(join(dirname(page), target)))).toEqual([]);
  });

  it('is reachable from the README', () => {
    const seen = new Set<string>();
    const visit = (page: string): void => {
      if (seen.has(page) || !page.endsWith('.md')) return;
      seen.add(page);
      for (const [, target = ''] of readFileSync(page, 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g))
        if (!/^https?:/.test(target)) visit(relative('', join(dirname(page), target)));
    };
    visit('README.md');
    const ofDocs = PAGES.filter((page) => page.startsWith(DOCS) && !page.includes('decisions'));
    expect(ofDocs.filter((page) => !seen.has(page))).toEqual([]);
  });
});

describe('a code block of the documentation', () => {
  const blocks = PAGES.flatMap(blocksOf);
  const said = (kind: 'from' | 'run by') => blocks.filter(({ mark }) => mark?.kind === kind);

  it('names the source or the runner of its code, unless its language already tells a test', () => {
    expect(blocks.length).toBeGreaterThan(30);
    // the pattern for blocks misses indented and unclosed ones
    const fences = PAGES.flatMap((page) => readFileSync(page, 'utf8').match(/^ *(?:```|~~~)/gm) ?? []);
    expect(fences).toHaveLength(2 * blocks.length);
    // docs-commands.spec.ts runs commands and topology files; `text` is a picture, or a program's output
    const told = ['sh', 'yaml', 'text'];
    expect(blocks.filter(({ mark, language }) => !mark && !told.includes(language)).map(({ place }) => place)).toEqual(
      [],
    );
  });

  it.each(said('from').map((block) => [block.place, block] as const))(
    'matches the file that it names: %s',
    (_, block) => {
      expect(differences(block)).toEqual([]);
    },
  );

  it.each(said('run by').map((block) => [block.place, block] as const))('is read by what runs it: %s', (_, block) => {
    expect(readFileSync(block.mark?.path ?? '', 'utf8')).toContain(basename(block.page));
  });
});
