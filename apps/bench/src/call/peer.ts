/** One way to call, measured beside the others. */
export interface Peer {
  /** The callee's side, for peers over NATS: runs in a process of its own until that is killed. */
  serve?(natsUrl: string): Promise<void>;
  /** The caller's side. For a local peer it holds the callee too. */
  connect(natsUrl: string): Promise<Caller>;
}

/** A caller that is ready to call. */
export interface Caller {
  /** Sends the measured command, the same one each time, and resolves with its result. */
  call(): Promise<unknown>;
  close(): Promise<void>;
}

/** Whether the handler is an `async` function or answers at once. */
export type HandlerKind = 'sync' | 'async';
