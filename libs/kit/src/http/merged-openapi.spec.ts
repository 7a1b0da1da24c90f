import { markedDocument, mergeOpenApi, type OpenApiDocument } from './merged-openapi.js';

const ref = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
const document = (module: string, path: string, schemas: Readonly<Record<string, object>>): OpenApiDocument =>
  markedDocument(module, {
    openapi: '3.0.0',
    paths: { [path]: { get: { schema: ref('Item') } } },
    components: { schemas: { ...schemas } },
  });

const text = { type: 'object', properties: { name: { type: 'string' } } };
const number = { type: 'object', properties: { amount: { type: 'number' } } };

describe('the OpenAPI documents of several modules', () => {
  it('keep a schema of one name apart when the modules mean different things', () => {
    const merged = mergeOpenApi([
      document('orders', '/orders', { Item: text }),
      document('stock-levels', '/stock', { Item: number }),
    ]);
    expect(merged.paths).toEqual({
      '/orders': { get: { schema: ref('Orders.Item') } },
      '/stock': { get: { schema: ref('StockLevels.Item') } },
    });
    expect(merged.components?.schemas).toMatchObject({ 'Orders.Item': text, 'StockLevels.Item': number });
    expect(Object.keys(merged.components?.schemas ?? {})).toHaveLength(2);
  });

  it('share a schema that is the same', () => {
    const merged = mergeOpenApi([
      document('orders', '/orders', { Item: text }),
      document('stock', '/stock', { Item: text }),
    ]);
    expect(Object.keys(merged.components?.schemas ?? {})).toEqual(['Item']);
  });

  it('look through references, also through those that go in a circle', () => {
    const list = { type: 'object', properties: { item: ref('Item'), next: ref('List') } };
    const merged = mergeOpenApi([
      document('orders', '/orders', { Item: text, List: list }),
      document('stock', '/stock', { Item: number, List: list }),
    ]);
    expect(Object.keys(merged.components?.schemas ?? {}).sort()).toEqual([
      'Orders.Item',
      'Orders.List',
      'Stock.Item',
      'Stock.List',
    ]);
    expect(merged.components?.schemas?.['Orders.List']).toMatchObject({
      properties: { item: ref('Orders.Item'), next: ref('Orders.List') },
    });
  });

  it('rewrite what a discriminator maps to, and are quick where all schemas refer to each other', () => {
    const names = Array.from({ length: 14 }, (_, i) => `Schema${i}`);
    const tangled = (module: string, text: string): OpenApiDocument =>
      document(module, `/${module}`, {
        Item: { discriminator: { propertyName: 'kind', mapping: { first: '#/components/schemas/Schema0' } } },
        ...Object.fromEntries(
          names.map((name) => [
            name,
            { description: text, properties: Object.fromEntries(names.map((other) => [other, ref(other)])) },
          ]),
        ),
      });
    const merged = mergeOpenApi([tangled('orders', 'a'), tangled('stock', 'b')]);
    expect(merged.components?.schemas?.['Orders.Item']).toMatchObject({
      discriminator: { mapping: { first: '#/components/schemas/Orders.Schema0' } },
    });
    expect(Object.keys(merged.components?.schemas ?? {})).toHaveLength(30);
  });

  it('are the same in whatever groups they are merged', () => {
    const [orders, stock, catalog] = [
      document('orders', '/orders', { Item: text }),
      document('stock', '/stock', { Item: number }),
      document('catalog', '/catalog', { Item: text }),
    ] as const;
    const atOnce = mergeOpenApi([orders, stock, catalog]);
    expect(mergeOpenApi([mergeOpenApi([orders, stock]), catalog])).toEqual(atOnce);
    expect(mergeOpenApi([orders, mergeOpenApi([stock, catalog])])).toEqual(atOnce);
    expect(mergeOpenApi([mergeOpenApi([orders, catalog]), stock])).toEqual(atOnce);
    // what orders and catalog mean is the same, and has the name of the first of them
    expect(Object.keys(atOnce.components?.schemas ?? {}).sort()).toEqual(['Catalog.Item', 'Stock.Item']);
  });
});
