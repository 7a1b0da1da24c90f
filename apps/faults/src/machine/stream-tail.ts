import { readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

/** Of a record in a block of JetStream's file store: its length, its number and its time. */
const HEADER_BYTES = 4 + 8 + 8 + 2;
/** Set in the length of a record whose message has headers. */
const HAS_HEADERS = 0x8000_0000;

/**
 * Cuts the newest messages off the streams of a broker that does not run, as a power cut does to what it had acknowledged and not
 * yet flushed: `number` of the stream that was written last, or as many as its newest block holds. Resolves to how many went.
 */
export async function cutTail(storeDir: string, number: number): Promise<number> {
  const block = await newestBlock(storeDir);
  if (block === undefined) return 0;
  const starts = recordsOf(await readFile(block.path));
  const cut = Math.min(number, starts.length);
  if (cut === 0) return 0;
  await truncate(block.path, starts[starts.length - cut]);
  // the index is a copy of what stands in the blocks; the server makes it anew
  await rm(join(block.dir, 'index.db'), { force: true });
  return cut;
}

interface Block {
  readonly dir: string;
  readonly path: string;
  readonly writtenAt: number;
}

async function newestBlock(storeDir: string): Promise<Block | undefined> {
  const files = (await readdir(storeDir, { recursive: true })).filter((file) => /\/streams\/[^/]+\/msgs\/[0-9]+\.blk$/.test(file));
  const blocks = await Promise.all(
    files.map(async (file) => {
      const path = join(storeDir, file);
      const { mtimeMs, size } = await stat(path);
      return { dir: join(path, '..'), path, writtenAt: size === 0 ? 0 : mtimeMs };
    }),
  );
  return blocks.sort((a, b) => b.writtenAt - a.writtenAt)[0];
}

/** Where each whole record of a block begins. */
function recordsOf(block: Buffer): number[] {
  const starts: number[] = [];
  for (let at = 0; at + HEADER_BYTES <= block.length; ) {
    const stored = block.readUInt32LE(at);
    const length = stored >= HAS_HEADERS ? stored - HAS_HEADERS : stored;
    if (length < HEADER_BYTES || at + length > block.length) break;
    starts.push(at);
    at += length;
  }
  return starts;
}
