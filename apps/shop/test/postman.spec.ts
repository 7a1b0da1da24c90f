import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { MODULES, type StartedShop, startGroups } from './started-shop.js';

interface Script {
  readonly listen: 'prerequest' | 'test';
  readonly script: { readonly exec: readonly string[] };
}
interface Auth {
  readonly type: 'bearer' | 'noauth';
  readonly bearer?: readonly { readonly value: string }[];
}
interface Item {
  readonly name: string;
  readonly event: readonly Script[];
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly header: readonly { readonly key: string; readonly value: string }[];
    readonly auth?: Auth;
    readonly body?: { readonly raw: string };
  };
}
interface Collection {
  readonly auth: Auth;
  readonly variable: readonly { readonly key: string; readonly value: string }[];
  readonly item: readonly { readonly name: string; readonly item: readonly Item[] }[];
}
interface Received {
  readonly status: number;
  readonly text: string;
}

const collection = JSON.parse(
  readFileSync(new URL('../postman/shop.postman_collection.json', import.meta.url), 'utf8'),
) as Collection;
const items = collection.item.flatMap((folder) => folder.item);

/** As much of Postman as the collection uses: its variables, its bearer tokens, and of its scripts `pm`. */
class Walk {
  readonly failures: string[] = [];
  private readonly variables = new Map(collection.variable.map(({ key, value }) => [key, value]));

  constructor(baseUrl: string) {
    this.variables.set('baseUrl', baseUrl);
  }

  async send(item: Item): Promise<void> {
    this.run(item, 'prerequest');
    const { method, url, header, auth = collection.auth, body } = item.request;
    const token = auth.bearer?.[0]?.value;
    const response = await fetch(this.filled(url), {
      method,
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${this.filled(token)}` }),
        ...Object.fromEntries(header.map(({ key, value }) => [key, this.filled(value)])),
      },
      body: body && this.filled(body.raw),
    });
    this.run(item, 'test', { status: response.status, text: await response.text() });
  }

  private filled(text: string): string {
    return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
      const value = this.variables.get(name);
      if (value === undefined) throw new Error(`the collection has no variable ${name}`);
      return value;
    });
  }

  private run(item: Item, listen: Script['listen'], received?: Received): void {
    const pm = {
      collectionVariables: {
        get: (name: string) => this.variables.get(name),
        set: (name: string, value: string) => void this.variables.set(name, value),
      },
      response: {
        json: () => JSON.parse(received?.text ?? '') as unknown,
        to: { have: { status: (status: number) => same(received?.status, status) } },
      },
      expect: (actual: unknown) => ({ to: { eql: (expected: unknown) => same(actual, expected) } }),
      test: (name: string, check: () => void) => {
        try {
          check();
        } catch (error) {
          this.failures.push(`${item.name}: ${name}: ${(error as Error).message}; the answer: ${received?.text}`);
        }
      },
    };
    for (const { script } of item.event.filter((event) => event.listen === listen))
      runInNewContext(script.exec.join('\n'), { pm });
  }
}

function same(actual: unknown, expected: unknown): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected))
    throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}

describe('the Postman collection', () => {
  let started: StartedShop;
  beforeAll(async () => {
    started = await startGroups([MODULES]);
  });
  afterAll(() => started?.stop());

  it('walks through the shop, and again through the same shop', async () => {
    const walk = new Walk(started.url);
    for (const item of [...items, ...items]) {
      await walk.send(item);
      expect(walk.failures).toEqual([]);
    }
  });

  it('checks the status of each answer', () => {
    const unchecked = items.filter(
      ({ event }) =>
        !event.some(
          ({ listen, script }) => listen === 'test' && script.exec.some((line) => line.includes('to.have.status')),
        ),
    );
    expect(unchecked.map(({ name }) => name)).toEqual([]);
  });

  it('has a request for every operation of the API', async () => {
    const { paths } = (await (await fetch(`${started.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, unknown>>;
    };
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, '{}')}`),
    );
    const requested = items.map(
      ({ request }) =>
        `${request.method} ${request.url
          .replace('{{baseUrl}}', '')
          .replace(/\?.*/, '')
          .replace(/\{\{\w+\}\}/g, '{}')}`,
    );
    expect(operations.length).toBeGreaterThan(15);
    expect([...new Set(requested)].sort()).toEqual(operations.sort());
  });
});
