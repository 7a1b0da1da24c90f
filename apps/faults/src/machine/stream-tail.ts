import { readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

/** The header of a record in a block of JetStream's file store: its length, its number and its time. */
const HEADER_BYTES = 4 + 8 + 8 + 2;
/** A flag in the length of a record whose message has headers. */
const HAS_HEADERS = 0x8000_0000;

/** What was cut off the end of a stream. */
export interface TailCut {
  readonly cut: number;
  readonly unread: number;
}

/**
 * Cuts the newest messages off the most recently written stream of a stopped broker, as a power cut does to messages
 * that were acknowledged but not flushed: those after number `readUpTo`, or if there are none, the last `newest`; at
 * most what the newest block contains. Resolves to how many were cut, and how many of them nobody had read.
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
  // the index repeats the content of the blocks; the server recreates it
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

/** The start of each complete record of a block, and the number of its message in the stream. */
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
