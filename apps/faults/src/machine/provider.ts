import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { endWithParent, freePort } from '@fledge/kit/operations';

const MAIN = fileURLToPath(new URL('../../../../libs/shop/payments/src/sandbox/main.js', import.meta.url));
/** Shared with the shop. */
export const WEBHOOK_SECRET = 'the-secret-of-the-lab';
const START_WITHIN_MS = 20_000;

/** The sandbox payment provider as a separate process, with a book that only it writes. */
export class Provider {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    private readonly book: string,
  ) {}

  static async start(book: string, webhookUrl: string): Promise<Provider> {
    const port = await freePort();
    const child = spawn(
      process.execPath,
      [
        MAIN,
        '--port',
        String(port),
        '--file',
        book,
        '--webhook-url',
        webhookUrl,
        '--webhook-secret',
        WEBHOOK_SECRET,
        '--slow-ms',
        '1500',
        '--late-ms',
        '1000',
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    endWithParent(child);
    const provider = new Provider(child, `http://127.0.0.1:${port}`, book);
    await provider.ready();
    return provider;
  }

  /** The lines of its book, oldest first. */
  async entries<Entry>(): Promise<Entry[]> {
    const text = await readFile(this.book, 'utf8');
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Entry);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  private async ready(): Promise<void> {
    const until = performance.now() + START_WITHIN_MS;
    for (;;) {
      if (this.child.exitCode !== null) throw new Error(`the provider ended with ${this.child.exitCode} at its start`);
      if (await this.answers()) return;
      if (performance.now() > until) throw new Error(`the provider did not answer within ${START_WITHIN_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  private async answers(): Promise<boolean> {
    try {
      await fetch(this.url);
      return true;
    } catch {
      // It does not listen yet; the time limit above ends the loop.
      return false;
    }
  }
}
