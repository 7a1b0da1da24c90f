import type { Message } from './fake.js';

/** An HTTP request's options. */
export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
}

/** The answer to an HTTP request. */
export interface TestResponse {
  readonly status: number;
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body, parsed if it is JSON, otherwise as text; `undefined` if empty. */
  readonly body: unknown;
}

/** The HTTP methods that a module may serve. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS';

/** The ways to make a module do something, as a scenario needs them. */
export interface Stimulus {
  execute<R>(message: Message<R>): Promise<R>;
  request(method: Method, url: string, body?: unknown, options?: RequestOptions): Promise<TestResponse>;
}
