import { rm } from 'node:fs/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@fledge/kit/operations';
import { freePort } from './free-port.js';
import { Proxy } from './proxy.js';

/** The PostgreSQL of a lab: a real server that can be stopped and started on its data, behind a line that can be injured. */
export class Database {
  private constructor(
    private readonly dir: string,
    private readonly port: number,
    private server: EmbeddedPostgres,
    readonly line: Proxy,
  ) {}

  static async start(dir: string): Promise<Database> {
    const port = await freePort();
    const server = await startEmbeddedPostgres({ dir, port });
    return new Database(dir, port, server, await Proxy.to(port));
  }

  /** For the lab's own looks at the tables: past the injured line. */
  get ownUrl(): string {
    return this.server.url;
  }

  /** For the shop. */
  get url(): string {
    const url = new URL(this.server.url);
    url.port = String(this.line.port);
    return url.href;
  }

  /** Cuts every session and ends the server, then starts it again on its data. */
  async restart(awayMs: number): Promise<void> {
    await this.server.stop();
    await new Promise((resolve) => setTimeout(resolve, awayMs));
    this.server = await startEmbeddedPostgres({ dir: this.dir, port: this.port });
  }

  async stop(): Promise<void> {
    await this.line.close();
    await this.server.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}
