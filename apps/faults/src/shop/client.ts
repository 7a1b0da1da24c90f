/** An answer of the shop. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A replica as its clients see it. */
export interface Replica {
  readonly url: string;
  /** Aborts its requests when it falls silent. */
  readonly silence: AbortSignal;
  /** Called when an attempt has ended, with or without an answer. */
  tried(startedAt: number): void;
}

/** The replicas that may get requests for a path. */
export type Replicas = (path: string) => readonly Replica[];

const TRY_MS = 12_000;
const PAUSE_MS = 100;

/**
 * A buyer's connection to the shop: sends requests to a replica of the service that owns the path, as a front door
 * does.
 */
export class ShopClient {
  private turn = 0;
  token: string | undefined;

  constructor(private readonly replicas: Replicas) {}

  /**
   * Repeats a request until there is a conclusive answer: it is sent again if a replica is unreachable, not ready or
   * has failed, for up to `withinMs`. For requests that may be sent again.
   */
  async insist(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
    withinMs: number,
  ): Promise<Answer> {
    const until = performance.now() + withinMs;
    for (;;) {
      const answer = await this.once(method, path, body, headers);
      if (answer !== undefined && answer.status < 500 && !passing(answer)) return answer;
      if (performance.now() > until) return answer ?? { status: 0, body: undefined };
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /** One attempt; `undefined` without an answer. */
  async once(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer | undefined> {
    const replicas = this.replicas(path);
    this.turn += 1;
    const replica = replicas[this.turn % replicas.length];
    if (replica === undefined) throw new Error(`no service owns ${path}`);
    const startedAt = performance.now();
    try {
      const response = await fetch(`${replica.url}${path}`, {
        method,
        headers: {
          ...headers,
          ...(this.token !== undefined && { authorization: `Bearer ${this.token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.any([AbortSignal.timeout(TRY_MS), replica.silence]),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
    } catch {
      // No answer, which the lab may have caused.
      return undefined;
    } finally {
      replica.tried(startedAt);
    }
  }
}

/** Temporary refusals. */
function passing({ status, body }: Answer): boolean {
  const { type = '' } = (body ?? {}) as { type?: string };
  return status === 429 || (status === 409 && /order-in-progress|request-in-flight/.test(type));
}
