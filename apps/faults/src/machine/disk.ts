import { execFile } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const FILLER = 'lab-filler';
const PIECE_BYTES = 64 * 1024;

/** A small RAM disk for a server's data, which can be filled. */
export class Disk {
  private constructor(readonly dir: string) {}

  /** Mounts one; rejects with the reason if this user may not. */
  static async mount(dir: string, megabytes: number): Promise<Disk> {
    await mkdir(dir, { recursive: true });
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0755`, 'tmpfs', dir]);
    } catch (error) {
      throw new Error(
        `a small disk cannot be mounted: ${(error instanceof Error ? error.message : String(error)).trim().split('\n').at(-1)}`,
        { cause: error },
      );
    }
    return new Disk(dir);
  }

  /** Fills the free space, and frees it when `whenFull` has ended. */
  async fill(whenFull: () => Promise<void>): Promise<void> {
    const file = await open(join(this.dir, FILLER), 'w');
    try {
      const piece = Buffer.alloc(PIECE_BYTES);
      for (let isFull = false; !isFull;)
        isFull = await file.write(piece).then(({ bytesWritten }) => bytesWritten < PIECE_BYTES, isNoSpace);
      await whenFull();
    } finally {
      await file.close();
      await rm(join(this.dir, FILLER), { force: true });
    }
  }

  async unmount(): Promise<void> {
    // lazily: files that a killed server still holds open must not block the lab
    await run('umount', ['-l', this.dir]);
  }
}

function isNoSpace(error: unknown): true {
  if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return true;
  throw error;
}
