import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A line between the shop and one of its servers that can be cut, slowed and stopped, as toxiproxy does. */
export class Proxy {
  private readonly sockets = new Set<Socket>();
  private delayMs = 0;
  private refusing = false;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  /** Carries what comes to a port of its own to `target`, the port of a server of this machine. */
  static async to(target: number): Promise<Proxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the proxy listens on no port');
    const proxy = new Proxy(server, address.port);
    server.on('connection', (near) => proxy.carry(near, target));
    return proxy;
  }

  /** Cuts every connection; new ones are taken at once. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Cuts every connection and refuses new ones for a time. */
  async refuse(ms: number): Promise<void> {
    this.refusing = true;
    this.cut();
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.refusing = false;
  }

  /** Carries each piece later by `delayMs`, for a time. */
  async slow(delayMs: number, ms: number): Promise<void> {
    this.delayMs = delayMs;
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.delayMs = 0;
  }

  async close(): Promise<void> {
    this.server.close();
    this.cut();
    await once(this.server, 'close');
  }

  private carry(near: Socket, target: number): void {
    if (this.refusing) {
      near.destroy();
      return;
    }
    const far = connect(target, '127.0.0.1');
    for (const [from, to] of [[near, far], [far, near]] as const) {
      this.sockets.add(from);
      from.setNoDelay(true);
      this.pass(from, to);
      // what one end did to the connection is told to the other by its end
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
    }
  }

  private pass(from: Socket, to: Socket): void {
    let last: Promise<void> = Promise.resolve();
    let waiting = 0;
    from.on('data', (piece) => {
      // pieces keep their order: none overtakes one that is still delayed
      if (this.delayMs === 0 && waiting === 0) {
        to.write(piece);
        return;
      }
      waiting += 1;
      const due = performance.now() + this.delayMs;
      last = last.then(async () => {
        const left = due - performance.now();
        if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
        waiting -= 1;
        if (!to.destroyed) to.write(piece);
      });
    });
    from.on('end', () => void last.then(() => to.end()));
  }
}
