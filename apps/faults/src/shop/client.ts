/** An answer of the shop. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A replica as its clients see it. */
export interface Replica {
  readonly url: string;
  /** Aborts what was asked of it when it falls silent. */
  readonly silence: AbortSignal;
  /** A try ended, with an answer or without. */
  tried(startedAt: number): void;
}

/** Where requests to a path may go. */
export type Replicas = (path: string) => readonly Replica[];

const TRY_MS = 12_000;
const PAUSE_MS = 100;

/** A buyer's connection to the shop: goes to a replica of the service that owns the path, as a front door would. */
export class ShopClient {
  private turn = 0;
  token: string | undefined;

  constructor(private readonly replicas: Replicas) {}

  /**
   * Asks until there is an answer that says something about the request: what cannot be reached, is not ready or has
   * failed is asked again, up to `withinMs`. For requests that may be sent again.
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

  /** One try; `undefined` when there was no answer. */
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
      // No answer, which is one of the things that the lab brings about.
      return undefined;
    } finally {
      replica.tried(startedAt);
    }
  }
}

/** Refusals that pass by themselves. */
function passing({ status, body }: Answer): boolean {
  return (
    status === 429 ||
    (status === 409 && (body as { type?: string } | undefined)?.type?.includes('order-in-progress') === true)
  );
}
