import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseOptions } from './machine/database.js';
import { Disk } from './machine/disk.js';
import { faketimeLibrary } from './machine/faketime.js';
import type { Area } from './plan/areas.js';

/** What the lab can do on this machine. */
export interface Capabilities {
  readonly database: DatabaseOptions;
  /** Why an area cannot be injured here; without an entry, it can. */
  readonly missing: Readonly<Partial<Record<Area, string>>>;
}

/** Tries what not every machine allows: a separate clock for the database, and a small disk. */
export async function capabilities(): Promise<Capabilities> {
  const [clock, disk] = await Promise.allSettled([faketimeLibrary(), tryDisk()]);
  return {
    database: {
      faketime: clock.status === 'fulfilled' ? clock.value : undefined,
      smallDisk: disk.status === 'fulfilled',
    },
    missing: {
      ...(clock.status === 'rejected' && { clocks: reasonOf(clock.reason) }),
      ...(disk.status === 'rejected' && { disk: reasonOf(disk.reason) }),
    },
  };
}

async function tryDisk(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'fledge-faults-disk-'));
  try {
    await (await Disk.mount(dir, 1)).unmount();
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
