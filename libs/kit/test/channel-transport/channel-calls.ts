import { type MessagePort, MessageChannel } from 'node:worker_threads';
import {
  type Call,
  type CallTransport,
  type CompiledMessage,
  type ModuleServer,
  type PlainReply,
  type PlainRequest,
  receive,
  type ReceivedCall,
  refuse,
  requestOf,
  type Send,
  settle,
} from '@fledge/kit/transport';

/** What goes to a module. */
type ToModule =
  { readonly number: number; readonly request: PlainRequest } | { readonly number: number; readonly cancel: true };

/** What comes back. */
interface ToCaller {
  readonly number: number;
  readonly reply: PlainReply;
}

/** Takes one end of a channel, and answers the calls that come by it. */
type Connect = (port: MessagePort) => void;

/** Where the replicas of each module can be reached, of all hosts that share it. */
export type Exchange = Map<string, Connect[]>;

/** Calls over message channels, as between worker threads: what crosses is a structured clone. */
export class ChannelCalls implements CallTransport {
  private readonly served: { readonly server: ModuleServer; readonly connect: Connect }[] = [];
  private readonly ports = new Set<MessagePort>();
  private readonly toModules = new Map<string, { readonly connect: Connect; readonly port: MessagePort }>();
  private readonly waiting = new Map<number, Call>();
  private numbers = 0;
  private connected = false;

  constructor(private readonly exchange: Exchange) {}

  start(): Promise<void> {
    this.connected = true;
    return Promise.resolve();
  }

  isConnected(): boolean {
    return this.connected;
  }

  serve(server: ModuleServer): Promise<void> {
    const connect: Connect = (port) => this.answer(server, port);
    this.served.push({ server, connect });
    this.exchange.set(server.module, [...(this.exchange.get(server.module) ?? []), connect]);
    return Promise.resolve();
  }

  sender(_caller: string, { module }: CompiledMessage): Send {
    return (input, call) => {
      const request = requestOf(input, call);
      const port = this.portTo(module);
      if (port === undefined) return refuse(call, 'missing');
      const number = this.numbers++;
      this.waiting.set(number, call);
      call.transport = { abandon: () => this.abandon(number, port) };
      call.started = true;
      port.postMessage({ number, request } satisfies ToModule);
    };
  }

  async drain(): Promise<void> {
    for (const { server, connect } of this.served) {
      const others = (this.exchange.get(server.module) ?? []).filter((other) => other !== connect);
      if (others.length > 0) this.exchange.set(server.module, others);
      else this.exchange.delete(server.module);
    }
    await Promise.all(this.served.map(({ server }) => server.drain()));
  }

  close(): Promise<void> {
    this.connected = false;
    for (const call of this.waiting.values()) call.cancel();
    for (const port of this.ports) port.close();
    return Promise.resolve();
  }

  /** A channel to a replica of a module, kept as long as that takes calls. */
  private portTo(module: string): MessagePort | undefined {
    const [connect] = this.exchange.get(module) ?? [];
    if (connect === undefined) return undefined;
    const known = this.toModules.get(module);
    if (known?.connect === connect) return known.port;
    const { port1: port, port2 } = new MessageChannel();
    connect(port2);
    this.toModules.set(module, { connect, port });
    port.on('message', ({ number, reply }: ToCaller) => {
      const call = this.waiting.get(number);
      this.waiting.delete(number);
      if (call) settle(call, reply);
    });
    this.keep(port);
    return port;
  }

  private answer(server: ModuleServer, port: MessagePort): void {
    const running = new Map<number, ReceivedCall>();
    port.on('message', (message: ToModule) => {
      const { number } = message;
      if ('cancel' in message) return running.get(number)?.cancel();
      let answered = false;
      const call = receive(server, message.request, (reply) => {
        answered = true;
        running.delete(number);
        port.postMessage({ number, reply } satisfies ToCaller);
      });
      if (call && !answered) running.set(number, call);
    });
    port.on('close', () => {
      for (const call of running.values()) call.cancel();
    });
    this.keep(port);
  }

  private abandon(number: number, port: MessagePort): void {
    this.waiting.delete(number);
    port.postMessage({ number, cancel: true } satisfies ToModule);
  }

  private keep(port: MessagePort): void {
    port.unref();
    this.ports.add(port);
    port.on('close', () => this.ports.delete(port));
  }
}
