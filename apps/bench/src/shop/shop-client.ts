/** A request with an unexpected answer. */
export class UnexpectedAnswer extends Error {}

/** A buyer with a token, and the products that may be bought. */
export interface Buyer {
  readonly token: string;
}

/** The shop over HTTP, as the bench needs it. */
export class ShopClient {
  constructor(private readonly url: string) {}

  async request(
    method: string,
    path: string,
    options: { token?: string; body?: unknown; expect?: readonly number[] } = {},
  ): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
        ...(options.body !== undefined && { 'content-type': 'application/json' }),
      },
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
    });
    const text = await response.text();
    if (!(options.expect ?? [200, 201, 204]).includes(response.status))
      throw new UnexpectedAnswer(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  async buyer(number: number): Promise<Buyer> {
    const credentials = { email: `bench-${number}@shop.test`, password: 'a-password-for-the-bench' };
    await this.request('POST', '/auth/register', { body: credentials, expect: [201, 409] });
    const { accessToken } = (await this.request('POST', '/auth/login', { body: credentials })) as {
      accessToken: string;
    };
    return { token: accessToken };
  }

  async productIds(): Promise<string[]> {
    const { items } = (await this.request('GET', '/products?limit=100')) as { items: { id: string }[] };
    return items.map((item) => item.id);
  }
}
