/** An answer of the shop. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}

/** What goes with a request. */
export interface RequestOptions {
  readonly token?: string;
  /** Sent as JSON, or unchanged if it is a string. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The shop over HTTP, with a transcript of requests and answers. */
export class Shop {
  readonly transcript: string[] = [];

  /** @param send default: that of Node; another one may trust another authority. */
  constructor(
    readonly url: string,
    private readonly send: typeof fetch = fetch,
  ) {}

  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const { token, body, headers } = options;
    const response = await this.send(`${this.url}${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const type = response.headers.get('content-type') ?? '';
    const answer = { status: response.status, type, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
    this.transcript.push(`${method} ${path} ${answer.status} ${type} ${JSON.stringify(answer.body)}`);
    return answer;
  }

  /**
   * Repeats a request until the answer is as expected; not part of the transcript, since the number of attempts is
   * random.
   */
  async until(path: string, token: string, isSo: (body: unknown) => boolean, withinMs = 30_000): Promise<void> {
    const end = performance.now() + withinMs;
    for (;;) {
      const response = await this.send(`${this.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
      const body: unknown = await response.json();
      if (isSo(body)) return;
      if (performance.now() > end) throw new Error(`${path} is after ${withinMs} ms still ${JSON.stringify(body)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The body of an answer that must have this status. */
  async expect<T>(status: number, method: string, path: string, options?: RequestOptions): Promise<T> {
    const answer = await this.request(method, path, options);
    if (answer.status !== status)
      throw new Error(
        `${method} ${path} was answered ${answer.status} instead of ${status}: ${JSON.stringify(answer.body)}`,
      );
    return answer.body as T;
  }

  async logIn(email: string, password: string): Promise<string> {
    const { accessToken } = await this.expect<{ accessToken: string }>(200, 'POST', '/auth/login', {
      body: { email, password },
    });
    return accessToken;
  }

  /** A new buyer's token. */
  async newBuyer(email: string): Promise<string> {
    const credentials = { email, password: 'correct-horse-battery' };
    await this.expect(201, 'POST', '/auth/register', { body: credentials });
    return this.logIn(credentials.email, credentials.password);
  }

  /** The token of the demo staff. */
  staff(): Promise<string> {
    return this.logIn('staff@shop.test', 'staff-demo-password');
  }

  /** Makes a product with stock. */
  async product(
    staff: string,
    fields: { sku: string; name: string; priceMinor: number; categoryId: string },
    quantity: number,
  ): Promise<string> {
    const { id } = await this.expect<{ id: string }>(201, 'POST', '/products', {
      token: staff,
      body: { currency: 'EUR', ...fields },
    });
    if (quantity > 0)
      await this.expect(201, 'POST', '/stock/receipts', {
        token: staff,
        body: { productId: id, quantity, reference: `first of ${fields.sku}` },
      });
    return id;
  }
}

interface HistoryEntry {
  readonly what?: string;
  readonly state?: string;
}

/**
 * A history in which concurrent steps of two modules are sorted alphabetically: between two states, their order is
 * random.
 */
function inOrder(history: readonly HistoryEntry[]): HistoryEntry[] {
  const stretch = (i: number): number => history.slice(0, i + 1).filter(({ state }) => state !== undefined).length;
  const placed = history.map((entry, i) => ({
    entry,
    stretch: stretch(i),
    text: entry.state === undefined ? (entry.what ?? '') : '',
  }));
  return placed
    .sort((a, b) => a.stretch - b.stretch || (a.text < b.text ? -1 : Number(a.text > b.text)))
    .map(({ entry }) => entry);
}

/**
 * A transcript without what differs between runs: each id, token and digest is replaced by the number of its first
 * appearance, so that two transcripts are equal exactly if the same things happened.
 */
export function normalised(transcript: readonly string[]): string[] {
  const names = new Map<string, string>();
  const named =
    (kind: string) =>
    (value: string): string => {
      let name = names.get(value);
      if (!name) names.set(value, (name = `<${kind} ${names.size}>`));
      return name;
    };
  return transcript.map((line) =>
    line
      .replace(/rt_[0-9a-f-]{36}\.[\w-]{43}/g, named('refresh token'))
      .replace(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, named('token'))
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, named('id'))
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<date>')
      .replace(/"correlationId":"[0-9a-f]{32}"/g, '"correlationId":"<id>"')
      .replace(
        /"history":(\[[^\]]*\])/g,
        (_, list: string) => `"history":${JSON.stringify(inOrder(JSON.parse(list) as HistoryEntry[]))}`,
      )
      .replace(/("nextCursor":|cursor=)"?[\w-]{16,}"?/g, '$1<cursor>'),
  );
}
