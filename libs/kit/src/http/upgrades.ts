import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** Answers a request for another protocol, such as WebSocket, on its socket, and then has the socket. */
export type UpgradeHandler = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

/** How long the answer to such a request may take, in milliseconds. */
const HANDSHAKE_TIMEOUT_MS = 60_000;
/** How long clients have to answer the close frame of a server that goes away, in milliseconds. */
const LEAVE_TIMEOUT_MS = 3_000;
/** A WebSocket close frame with the code 1001, 'going away' (RFC 6455, 5.5.1). */
const GOING_AWAY = Buffer.from([0x88, 0x02, 0x03, 0xe9]);

/**
 * The connections of a server that have changed to another protocol. Node hands over every request with an `Upgrade`
 * header as soon as there is a listener, also for HTTP/2, which some clients try first. What nobody takes is answered
 * as the ordinary request that it is as well, so that a module answers the same beside one with gateways as alone.
 */
export class Upgrades {
  /** With the number of bytes that earlier answers on the socket had. */
  private readonly sockets = new Map<Socket, number>();
  private left: (() => void) | undefined;

  constructor(private readonly server: Server) {}

  /**
   * Begins to take requests for WebSocket connections.
   * @param handlerOf the handler of a request; undefined if nobody takes it.
   */
  listen(handlerOf: (request: IncomingMessage) => UpgradeHandler | undefined): void {
    this.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      const handler = isWebSocket(request) ? handlerOf(request) : undefined;
      if (handler === undefined) return this.passOn(request, socket, head);
      this.keep(socket);
      handler(request, socket, head);
    });
  }

  /**
   * Tells all clients that the server goes away, so that they connect elsewhere. Resolves when they have left, or when
   * their time for it is up. The libraries that serve the connections end them when a client answers.
   */
  async leave(): Promise<void> {
    for (const [socket, sentBefore] of this.sockets)
      if (socket.bytesWritten > sentBefore && socket.writable) socket.write(GOING_AWAY);
      else socket.destroy();
    if (this.sockets.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.left = resolve;
      timer = setTimeout(resolve, LEAVE_TIMEOUT_MS);
    });
    clearTimeout(timer);
  }

  /** Ends what is left. */
  destroy(): void {
    for (const socket of this.sockets.keys()) socket.destroy();
  }

  private keep(socket: Socket): void {
    const sentBefore = socket.bytesWritten;
    const handshake = setTimeout(() => {
      if (socket.bytesWritten === sentBefore) socket.destroy();
    }, HANDSHAKE_TIMEOUT_MS).unref();
    this.sockets.set(socket, sentBefore);
    // until the handler listens
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      clearTimeout(handshake);
      this.sockets.delete(socket);
      if (this.sockets.size === 0) this.left?.();
    });
  }

  /** Gives the connection back to the server, which reads the request again, without its wish for another protocol. */
  private passOn(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (head.length > 0) socket.unshift(head);
    socket.unshift(Buffer.from(withoutUpgrade(request), 'latin1'));
    // the server of HTTPS would begin a handshake of TLS on a 'connection'
    this.server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket);
  }
}

function isWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';
}

/** The head of a request without what asks for another protocol. */
function withoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name, value] = [rawHeaders[i] as string, rawHeaders[i + 1] as string];
    const key = name.toLowerCase();
    if (key === 'upgrade' || key === 'http2-settings') continue;
    const kept = key === 'connection' ? withoutOptions(value) : value;
    if (key !== 'connection' || kept !== '') lines.push(`${name}: ${kept}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function withoutOptions(connection: string): string {
  const options = connection.split(',').map((option) => option.trim());
  return options.filter((option) => !/^(?:upgrade|http2-settings)$/i.test(option)).join(', ');
}
