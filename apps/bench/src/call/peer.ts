/** One way to call, compared with the others. */
export interface Peer {
  /** The callee's side, for peers over NATS: runs in a separate process until that is killed. */
  serve?(natsUrl: string): Promise<void>;
  /** The caller's side. For a local peer it includes the callee. */
  connect(natsUrl: string): Promise<Caller>;
}

/** A caller that is ready to call. */
export interface Caller {
  /** Sends the measured command, the same one each time, and resolves with its result. */
  call(): Promise<unknown>;
  close(): Promise<void>;
}

/** Whether the handler is an `async` function or returns its result at once. */
export type HandlerKind = 'sync' | 'async';
