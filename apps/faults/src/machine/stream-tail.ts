import { readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

/** Of a record in a block of JetStream's file store: its length, its number and its time. */
const HEADER_BYTES = 4 + 8 + 8 + 2;
/** Set in the length of a record whose message has headers. */
const HAS_HEADERS = 0x8000_0000;

/** What went with the end of a stream. */
export interface TailCut {
  readonly cut: number;
  readonly unread: number;
}

/**
 * Cuts the newest messages off the stream that was written last, of a broker that does not run, as a power cut does to
 * what was acknowledged and not yet flushed: those after number `readUpTo`, or where there are none, `newest`; as many
 * as the newest block holds. Resolves to how many went, and how many of them nobody had read.
 */
export async function cutTail(storeDir: string, newest: number, readUpTo: number): Promise<TailCut> {
  const block = await newestBlock(storeDir);
  if (block === undefined) return { cut: 0, unread: 0 };
  const records = recordsOf(await readFile(block.path));
  const unread = records.filter(({ number }) => number > readUpTo).length;
  const cut = Math.min(unread > 0 ? unread : newest, records.length);
  const first = records[records.length - cut];
  if (first === undefined) return { cut: 0, unread: 0 };
  await truncate(block.path, first.start);
  // the index is a copy of what stands in the blocks; the server makes it anew
  await rm(join(block.dir, 'index.db'), { force: true });
  return { cut, unread };
}

interface Block {
  readonly dir: string;
  readonly path: string;
  readonly writtenAt: number;
}

async function newestBlock(storeDir: string): Promise<Block | undefined> {
  const files = (await readdir(storeDir, { recursive: true })).filter((file) =>
    /\/streams\/[^/]+\/msgs\/[0-9]+\.blk$/.test(file),
  );
  const blocks = await Promise.all(
    files.map(async (file) => {
      const path = join(storeDir, file);
      const { mtimeMs, size } = await stat(path);
      return { dir: join(path, '..'), path, writtenAt: size === 0 ? 0 : mtimeMs };
    }),
  );
  return blocks.sort((a, b) => b.writtenAt - a.writtenAt)[0];
}

/** Where each whole record of a block begins, and the number of its message in the stream. */
function recordsOf(block: Buffer): { readonly start: number; readonly number: number }[] {
  const records: { start: number; number: number }[] = [];
  for (let start = 0; start + HEADER_BYTES <= block.length;) {
    const stored = block.readUInt32LE(start);
    const length = stored >= HAS_HEADERS ? stored - HAS_HEADERS : stored;
    if (length < HEADER_BYTES || start + length > block.length) break;
    records.push({ start, number: Number(block.readBigUInt64LE(start + 4)) });
    start += length;
  }
  return records;
}
