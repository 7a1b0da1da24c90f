import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A proxy to a server on this machine that can be cut and restored. */
export class Line {
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly far: URL,
    private at: number,
  ) {}

  /** A line to the host and port of a URL. */
  static async to(url: string): Promise<Line> {
    const line = new Line(new URL(url), 0);
    await line.mend();
    return line;
  }

  /** The server's URL, through this proxy. */
  get url(): string {
    const url = new URL(this.far);
    url.host = `127.0.0.1:${this.at}`;
    return url.href;
  }

  /** Closes all connections and refuses new ones, like a server that is gone. */
  cut(): void {
    this.server?.close();
    this.server = undefined;
    for (const socket of this.sockets) socket.destroy();
  }

  async mend(): Promise<void> {
    const server = (this.server = createServer((near) =>
      this.carry(near, connect(Number(this.far.port), this.far.hostname)),
    ));
    server.listen(this.at, '127.0.0.1');
    await once(server, 'listening');
    this.at = (server.address() as { port: number }).port;
  }

  private carry(near: Socket, far: Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
    }
  }
}
