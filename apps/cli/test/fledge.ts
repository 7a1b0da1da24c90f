import { run } from '../src/run.js';

/** What a command said and how it ended. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `fledge` in this process, on a database. One at a time. */
export async function fledge(databaseUrl: string, ...args: readonly string[]): Promise<Said> {
  const said = { out: '', err: '' };
  const { DATABASE_URL } = process.env;
  const [stdout, stderr] = [process.stdout.write, process.stderr.write];
  process.env.DATABASE_URL = databaseUrl;
  process.stdout.write = (text: string | Uint8Array): boolean => ((said.out += String(text)), true);
  process.stderr.write = (text: string | Uint8Array): boolean => ((said.err += String(text)), true);
  try {
    return { code: await run(args), ...said };
  } finally {
    [process.stdout.write, process.stderr.write] = [stdout, stderr];
    if (DATABASE_URL === undefined) delete process.env.DATABASE_URL;
    else process.env.DATABASE_URL = DATABASE_URL;
  }
}
