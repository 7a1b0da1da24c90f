import { readdir, readFile } from 'node:fs/promises';

/** The usage of a process and everything that it started. */
export interface Usage {
  /** Seconds of processor time, user and system. */
  readonly cpuSeconds: number;
  /** Resident memory in MiB, with shared pages counted for each process. */
  readonly memoryMiB: number;
  readonly processes: number;
}

/** Ticks per second of Linux's process accounting (`USER_HZ`), which is 100 on every platform of Node. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4_096;

interface Stat {
  readonly pid: number;
  readonly program: string;
  readonly parent: number;
  readonly ticks: number;
  /** Without its ended children. */
  readonly ownTicks: number;
  readonly pages: number;
}

/**
 * Reads the usage of a process and its descendants from `/proc`; Linux only. With the name of a program, only of
 * processes that run it, including their ended children.
 */
export async function usageOf(root: number, program?: string): Promise<Usage> {
  const stats = await allStats();
  const tree = new Set([root]);
  // A child may be listed before its parent: repeat until nothing is added.
  for (let size = 0; size !== tree.size;) {
    size = tree.size;
    for (const { pid, parent } of stats) if (tree.has(parent)) tree.add(pid);
  }
  return sumOf(stats.filter((stat) => tree.has(stat.pid) && (program === undefined || stat.program === program)));
}

/** Reads the usage of a single process, without its children. */
export async function ownUsageOf(pid: number): Promise<Usage> {
  const stats = await allStats();
  return sumOf(stats.filter((stat) => stat.pid === pid).map((stat) => ({ ...stat, ticks: stat.ownTicks })));
}

function sumOf(own: readonly Stat[]): Usage {
  return {
    cpuSeconds: own.reduce((sum, s) => sum + s.ticks, 0) / TICKS_PER_SECOND,
    memoryMiB: (own.reduce((sum, s) => sum + s.pages, 0) * PAGE_BYTES) / 2 ** 20,
    processes: own.length,
  };
}

async function allStats(): Promise<Stat[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').then(parse, ended)));
  return stats.filter((stat) => stat !== undefined);
}

/** Ignores a process that ended between the listing and the reading. */
function ended(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
}

function parse(text: string): Stat {
  // The name of the program, in parentheses, may contain anything: count the fields after it.
  const close = text.lastIndexOf(')');
  const fields = text
    .slice(close + 2)
    .split(' ')
    .map(Number);
  // its own time, user and system, and that of its ended children
  const sum = (times: readonly number[]): number => times.reduce((all, time) => all + time, 0);
  return {
    pid: parseInt(text, 10),
    program: text.slice(text.indexOf('(') + 1, close),
    parent: fields[1] ?? 0,
    ticks: sum(fields.slice(11, 15)),
    ownTicks: sum(fields.slice(11, 13)),
    pages: fields[21] ?? 0,
  };
}
