import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** The direction of bytes in a proxy: from the service, or to it. */
export type Way = 'to-server' | 'to-service';

/**
 * A proxy between a service and one of its servers that can be cut, slowed and blocked, in each direction too, like
 * toxiproxy.
 */
export class Proxy {
  private readonly sockets = new Set<Socket>();
  private delayMs = 0;
  private refusing = 0;
  private readonly muted = new Map<Way, Promise<void>>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private target: number,
  ) {}

  /** Forwards connections on a separate port to `target`, the port of a server on this machine. */
  static async to(target: number): Promise<Proxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the proxy listens on no port');
    const proxy = new Proxy(server, address.port, target);
    server.on('connection', (near) => proxy.carry(near));
    return proxy;
  }

  /** Forwards new connections to another port from now on. */
  aim(target: number): void {
    this.target = target;
  }

  /** Cuts every connection; new ones are accepted at once. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Cuts every connection and refuses new ones until `healed`. */
  async refuse(healed: Promise<void>): Promise<void> {
    this.refusing += 1;
    this.cut();
    await healed.finally(() => (this.refusing -= 1));
  }

  /** Delays each piece by `delayMs`, until `healed`. */
  async slow(delayMs: number, healed: Promise<void>): Promise<void> {
    this.delayMs = delayMs;
    await healed.finally(() => (this.delayMs = 0));
  }

  /**
   * Forwards nothing in one direction until `healed`, and then what was held back: neither end learns that the other's
   * bytes do not arrive.
   */
  async mute(way: Way, healed: Promise<void>): Promise<void> {
    this.muted.set(way, healed);
    await healed.finally(() => this.muted.delete(way));
  }

  async close(): Promise<void> {
    this.server.close();
    this.cut();
    await once(this.server, 'close');
  }

  private carry(near: Socket): void {
    if (this.refusing > 0) {
      near.destroy();
      return;
    }
    const far = connect(this.target, '127.0.0.1');
    for (const [from, to, way] of [
      [near, far, 'to-server'],
      [far, near, 'to-service'],
    ] as const) {
      this.sockets.add(from);
      from.setNoDelay(true);
      this.pass(from, to, way);
      // when one end closes the connection, the other is closed too
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
    }
  }

  private pass(from: Socket, to: Socket, way: Way): void {
    let last: Promise<void> = Promise.resolve();
    let waiting = 0;
    from.on('data', (piece) => {
      // pieces keep their order: none overtakes a delayed one
      if (this.delayMs === 0 && waiting === 0 && !this.muted.has(way)) {
        to.write(piece);
        return;
      }
      waiting += 1;
      const due = performance.now() + this.delayMs;
      last = last.then(async () => {
        const left = due - performance.now();
        if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
        await this.muted.get(way);
        waiting -= 1;
        if (!to.destroyed) to.write(piece);
      });
    });
    from.on('end', () => void last.then(() => to.end()));
  }
}
