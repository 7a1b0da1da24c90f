import { markedDocument, mergeOpenApi, type OpenApiDocument } from './merged-openapi.js';

const ref = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
const document = (module: string, path: string, schemas: Readonly<Record<string, object>>): OpenApiDocument =>
  markedDocument(module, { openapi: '3.0.0', paths: { [path]: { get: { schema: ref('Item') } } }, components: { schemas: { ...schemas } } });

const text = { type: 'object', properties: { name: { type: 'string' } } };
const number = { type: 'object', properties: { amount: { type: 'number' } } };

describe('the OpenAPI documents of several modules', () => {
  it('keep a schema of one name apart when the modules mean different things', () => {
    const merged = mergeOpenApi([document('orders', '/orders', { Item: text }), document('stock-levels', '/stock', { Item: number })]);
    expect(merged.paths).toEqual({ '/orders': { get: { schema: ref('OrdersItem') } }, '/stock': { get: { schema: ref('StockLevelsItem') } } });
    expect(merged.components?.schemas).toMatchObject({ OrdersItem: text, StockLevelsItem: number });
    expect(Object.keys(merged.components?.schemas ?? {})).toHaveLength(2);
  });

  it('share a schema that is the same', () => {
    const merged = mergeOpenApi([document('orders', '/orders', { Item: text }), document('stock', '/stock', { Item: text })]);
    expect(Object.keys(merged.components?.schemas ?? {})).toEqual(['Item']);
  });

  it('look through references, also through those that go in a circle', () => {
    const list = { type: 'object', properties: { item: ref('Item'), next: ref('List') } };
    const merged = mergeOpenApi([document('orders', '/orders', { Item: text, List: list }), document('stock', '/stock', { Item: number, List: list })]);
    expect(Object.keys(merged.components?.schemas ?? {}).sort()).toEqual(['OrdersItem', 'OrdersList', 'StockItem', 'StockList']);
    expect(merged.components?.schemas?.OrdersList).toMatchObject({ properties: { item: ref('OrdersItem'), next: ref('OrdersList') } });
  });

  it('are the same in whatever groups they are merged', () => {
    const [orders, stock, catalog] = [document('orders', '/orders', { Item: text }), document('stock', '/stock', { Item: number }), document('catalog', '/catalog', { Item: text })] as const;
    const atOnce = mergeOpenApi([orders, stock, catalog]);
    expect(mergeOpenApi([mergeOpenApi([orders, stock]), catalog])).toEqual(atOnce);
    expect(mergeOpenApi([orders, mergeOpenApi([stock, catalog])])).toEqual(atOnce);
    expect(mergeOpenApi([mergeOpenApi([orders, catalog]), stock])).toEqual(atOnce);
    // what orders and catalog mean is the same, and has the name of the first of them
    expect(Object.keys(atOnce.components?.schemas ?? {}).sort()).toEqual(['CatalogItem', 'StockItem']);
  });
});
