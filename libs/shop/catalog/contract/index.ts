/**
 * What other modules may know of catalog: products and their prices.
 * @packageDocumentation
 */
import { defineContract } from '@fledge/kit/contract';
import { GetProduct } from './get-product.query.js';
import { GetProducts } from './get-products.query.js';
import { ListProducts } from './list-products.query.js';

export { CategoryTaken, ProductNotFound, SkuTaken, TooManyCategories, UnknownCategory } from './errors.js';
export { GetProduct } from './get-product.query.js';
export { GetProducts } from './get-products.query.js';
export { ListProducts } from './list-products.query.js';
export { DEMO_SKU_PREFIX, PRICE_MINOR_MAX, ProductView } from './product.view.js';

/** Catalog: products, categories, prices, search. */
export const CatalogContract = defineContract({
  name: 'catalog',
  queries: [GetProduct, GetProducts, ListProducts],
  routes: ['/products', '/categories'],
  unknownFields: 'open',
  access: { identity: 'optional' },
});
