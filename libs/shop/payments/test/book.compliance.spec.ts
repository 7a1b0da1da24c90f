import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testModule, type TestedModule } from '@fledge/kit/testing';
import { DataSource } from 'typeorm';
import { PaymentsModule } from '../src/index.js';
import type { Book, Line, Outcome } from '../src/sandbox/book.js';
import { FileBook } from '../src/sandbox/file-book.js';
import { PostgresBook } from '../src/sandbox/postgres-book.js';

let folder: string;
let module: TestedModule;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sandbox-book-'));
  module = await testModule(PaymentsModule, { logger: false });
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await module?.close();
});

let count = 0;
function line(key: string, outcome: Outcome, reference = `ref-${key}`): Line {
  return {
    at: '2026-01-01T00:00:00.000Z',
    operation: 'authorise',
    outcome,
    key,
    reference,
    orderId: 'o-1',
    amountMinor: 100,
    currency: 'EUR',
    paymentMethod: 'pm_card_approved',
  };
}

describe.each<[string, () => { book: Book; again: () => Book }]>([
  [
    'in a file',
    () => {
      const path = join(folder, `${count++}.jsonl`);
      return { book: new FileBook(path), again: () => new FileBook(path) };
    },
  ],
  [
    'in PostgreSQL',
    () => ({ book: new PostgresBook(module.get(DataSource)), again: () => new PostgresBook(module.get(DataSource)) }),
  ],
])('a book %s', (kind, open) => {
  it('shows who decides all lines about an authorisation, in the order of their writing, and no other', async () => {
    const { book } = open();
    const seen: (readonly Line[])[] = [];
    const write = (line?: Line) => book.write(`${kind}-a`, (found) => (seen.push(found), line));
    await book.write(`${kind}-b`, () => line(`${kind}-other`, 'approved', `${kind}-b`));
    await write(line(`${kind}-1`, 'error', `${kind}-a`));
    await write(line(`${kind}-1`, 'approved', `${kind}-a`));
    await write();
    expect(seen.map((lines) => lines.map(({ key, outcome }) => `${key} ${outcome}`))).toEqual([
      [],
      [`${kind}-1 error`],
      [`${kind}-1 error`, `${kind}-1 approved`],
    ]);
  });

  it('lets whoever was overtaken decide again', async () => {
    const { book } = open();
    const lastSeen = [0, 0, 0, 0, 0];
    const decide = (i: number) => (found: readonly Line[]) => {
      lastSeen[i] = found.length;
      return found.length === 0 ? line(`${kind}-race`, 'approved') : undefined;
    };
    // First the connections, so that nobody comes late.
    await Promise.all(lastSeen.map(() => book.find('')));
    await Promise.all(lastSeen.map((_, i) => book.write(`ref-${kind}-race`, decide(i))));
    expect(lastSeen.sort()).toEqual([0, 1, 1, 1, 1]);
    expect(await book.find(`${kind}-race`)).toHaveLength(1);
  });

  it('is there for the next process: finds by key, and knows what was not told', async () => {
    const { book, again } = open();
    const keys = ['p1', 'p2', 'p3'].map((key) => `${kind}-${key}`) as [string, string, string];
    for (const key of keys) await book.write(`ref-${key}`, () => line(key, 'pending'));
    for (const outcome of ['approved', 'told'] as const)
      await book.write(`ref-${keys[1]}`, () => line(keys[1], outcome));
    const next = again();
    expect((await next.find(keys[1])).map(({ outcome }) => outcome)).toEqual(['pending', 'approved', 'told']);
    expect(await next.find(`${kind}-unknown`)).toEqual([]);
    expect((await next.untold(10)).map(({ key }) => key).filter((key) => keys.includes(key))).toEqual([
      keys[0],
      keys[2],
    ]);
    expect(await next.untold(1)).toHaveLength(1);
    const all = await next.read(0, 1_000);
    expect(await next.read(all.length - 1, 10)).toEqual(all.slice(-1));
    expect(await next.read(0, 2)).toEqual(all.slice(0, 2));
  });
});

// A process may be killed while it writes: the half line was never answered for.
it('a book in a file leaves out a line that was cut off, and goes on after it', async () => {
  const path = join(folder, 'cut.jsonl');
  await new FileBook(path).write('ref-k', () => line('k', 'approved'));
  appendFileSync(path, JSON.stringify(line('half', 'approved')).slice(0, 40));
  const book = new FileBook(path);
  expect(await book.read(0, 10)).toHaveLength(1);
  await book.write('ref-next', () => line('next', 'approved'));
  expect((await new FileBook(path).read(0, 10)).map(({ key }) => key)).toEqual(['k', 'next']);
});

it('a book in PostgreSQL cannot be rewritten', async () => {
  const source = module.get(DataSource);
  await new PostgresBook(source).write('ref-kept', () => line('kept', 'approved'));
  await expect(source.query("UPDATE sandbox_book SET outcome = 'declined'")).rejects.toThrow('append-only');
  await expect(source.query('DELETE FROM sandbox_book')).rejects.toThrow('append-only');
});
