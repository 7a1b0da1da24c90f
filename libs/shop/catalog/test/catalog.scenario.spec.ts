import { randomUUID } from 'node:crypto';
import { testModule, type TestCaller, type TestedModule } from '@fledge/kit/testing';
import { DEMO_SKU_PREFIX, GetProduct, GetProducts, ListProducts, ProductNotFound } from '../contract/index.js';
import { CatalogModule } from '../src/index.js';

let shop: TestedModule;
let staff: TestCaller;

interface Item {
  readonly id: string;
  readonly name: string;
  readonly priceMinor: number;
  readonly createdAt: string;
}
interface Page {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

beforeAll(async () => {
  shop = await testModule(CatalogModule, { settings: { demo: true } });
  staff = shop.as({ subject: randomUUID(), roles: ['staff'] });
});
afterAll(() => shop?.close());

let next = 1;
async function create(fields: object = {}): Promise<Item> {
  const body = {
    sku: `T-${String(next++).padStart(4, '0')}`,
    name: 'Test Thing',
    priceMinor: 1_234,
    currency: 'EUR',
    categoryId: 'kitchen',
    ...fields,
  };
  const response = await staff.request('POST', '/products', body);
  expect(response.status).toBe(201);
  return response.body as Item;
}

async function list(query: string): Promise<Page> {
  const response = await shop.request('GET', `/products?${query}`);
  expect(response.status).toBe(200);
  return response.body as Page;
}

/** Walks through a list; `between` runs after each page. */
async function walk(query: string, between: () => Promise<unknown> = () => Promise.resolve()): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Page = await list(`${query}${cursor && `&cursor=${cursor}`}`);
    items.push(...page.items);
    cursor = page.nextCursor;
    await between();
  }
  return items;
}

describe('listing', () => {
  it.each([
    ['sort=price', (a: Item, b: Item) => a.priceMinor <= b.priceMinor],
    ['sort=price&direction=desc', (a: Item, b: Item) => a.priceMinor >= b.priceMinor],
    ['sort=newest', (a: Item, b: Item) => a.createdAt >= b.createdAt],
    ['sort=newest&direction=asc', (a: Item, b: Item) => a.createdAt <= b.createdAt],
  ])('walks through all products once, in order: %s', async (query, inOrder) => {
    const items = await walk(`${query}&limit=100`);
    expect(items.length).toBeGreaterThanOrEqual(336);
    expect(new Set(items.map((item) => item.id)).size).toBe(items.length);
    items.forEach((item, i) => i > 0 && expect(inOrder(items[i - 1] as Item, item)).toBe(true));
  });

  it('neither repeats nor hides a product when others come between two pages', async () => {
    const before = await walk('sort=name&limit=100');
    const during = await walk('sort=name&limit=25', () => create({ name: 'Aardvark' }));
    const ids = during.map((item) => item.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id } of before) expect(ids).toContain(id);
  });

  it('searches words as people type them', async () => {
    expect((await walk('q=walnut&limit=10')).every((item) => item.name.includes('Walnut'))).toBe(true);
    expect((await list(`q=${encodeURIComponent('"cast iron" kettle')}`)).items.map((item) => item.name)).toEqual([
      'Cast Iron Kettle',
    ]);
    expect((await list(`q=${encodeURIComponent('chairs -oak')}`)).items.some((item) => item.name === 'Oak Chair')).toBe(
      false,
    );
    expect((await list(`q=${encodeURIComponent("' & | ! ( :*")}`)).items).toEqual([]);
  });

  it('filters by category and price', async () => {
    const { items } = await list('categoryId=garden&priceMin=2000&priceMax=3000&limit=100');
    expect(items.length).toBeGreaterThan(0);
    for (const { priceMinor } of items) expect(priceMinor >= 2_000 && priceMinor <= 3_000).toBe(true);
  });

  it('hides what is not on sale, which can still be read by id', async () => {
    const { id } = await create({ name: 'Unsellable', active: false });
    expect((await list('q=unsellable')).items).toEqual([]);
    expect((await shop.request('GET', `/products/${id}`)).status).toBe(200);
  });

  const place = (fields: object): string =>
    Buffer.from(JSON.stringify({ sort: 'price', direction: 'asc', value: '1', id: randomUUID(), ...fields })).toString(
      'base64url',
    );
  it.each([
    ['cursor=nonsense'],
    ['sort=relevance'],
    ['limit=101'],
    ['q=%00'],
    ['colour=red'],
    [`sort=name&cursor=${place({})}`],
    // Each of these reached PostgreSQL as a value that it could not cast.
    [`sort=price&cursor=${place({ value: 'ten' })}`],
    [`sort=price&cursor=${place({ value: '99999999999' })}`],
  ])('answers 400 to %s', async (query) => {
    expect(await shop.request('GET', `/products?${query}`)).toMatchObject({
      status: 400,
      body: { code: 'fledge.invalid-request' },
    });
  });
});

describe('keeping products', () => {
  it('gives a sku to one product, however many ask at once', async () => {
    const body = { sku: 'ONLY-1', name: 'One', priceMinor: 1, currency: 'EUR', categoryId: 'kitchen' };
    const statuses = (await Promise.all([1, 2, 3].map(() => staff.request('POST', '/products', body)))).map(
      (response) => response.status,
    );
    expect(statuses.sort()).toEqual([201, 409, 409]);
  });

  it('changes what is named and leaves the rest', async () => {
    const { id } = await create();
    expect((await staff.request('PATCH', `/products/${id}`, { priceMinor: 999 })).body).toMatchObject({
      name: 'Test Thing',
      priceMinor: 999,
      active: true,
    });
    expect((await staff.request('PATCH', `/products/${id}`, { sku: 'OTHER' })).status).toBe(400);
    expect((await staff.request('PATCH', `/products/${id}`, { name: null })).status).toBe(400);
    expect((await staff.request('PATCH', `/products/${id}`, { name: ' \t' })).body).toMatchObject({
      violations: [{ path: 'name', message: 'name must not be blank' }],
    });
  });

  // It was a 200 that had changed nothing but the time of the last change.
  it('refuses a change of nothing', async () => {
    const { id } = await create();
    for (const body of [undefined, {}])
      expect(await staff.request('PATCH', `/products/${id}`, body)).toMatchObject({
        status: 400,
        body: { violations: [{ path: '', rule: 'empty' }] },
      });
  });

  it('lets staff change only what they have seen, if they say so', async () => {
    const { id } = await create();
    const seen = await shop.request('GET', `/products/${id}`);
    const etag = String(seen.headers.etag);
    const change = (priceMinor: number) =>
      staff.request('PATCH', `/products/${id}`, { priceMinor }, { headers: { 'if-match': etag } });
    const both = await Promise.all([change(1), change(2)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
    const known = await shop.request('GET', `/products/${id}`, undefined, { headers: { 'if-none-match': etag } });
    expect(known.status).toBe(200);
    const current = String(known.headers.etag);
    expect(
      (await shop.request('GET', `/products/${id}`, undefined, { headers: { 'if-none-match': current } })).status,
    ).toBe(304);
  });

  it('is for staff', async () => {
    expect((await shop.request('POST', '/products', {})).status).toBe(401);
    expect((await shop.as({ subject: randomUUID(), roles: ['buyer'] }).request('POST', '/products', {})).status).toBe(
      403,
    );
  });
});

describe('to other modules', () => {
  it('answers those of some products that exist', async () => {
    const { id } = await create();
    expect(
      (await shop.execute(new GetProducts({ productIds: [id, randomUUID()] }))).map((product) => product.id),
    ).toEqual([id]);
    await expect(shop.execute(new GetProduct({ productId: randomUUID() }))).rejects.toBeInstanceOf(ProductNotFound);
  });

  it('answers all products, page by page', async () => {
    const seen: string[] = [];
    for (let afterId: string | undefined; ;) {
      const page = await shop.execute(new ListProducts({ ...(afterId !== undefined && { afterId }), limit: 150 }));
      seen.push(...page.filter((product) => product.sku.startsWith(DEMO_SKU_PREFIX)).map((product) => product.id));
      afterId = page.at(-1)?.id;
      if (page.length < 150) break;
    }
    expect(seen).toHaveLength(336);
    expect(new Set(seen).size).toBe(336);
  });
});
