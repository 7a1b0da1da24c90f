import { ProductView } from '../../contract/index.js';
import type { Product } from '../domain/product.js';

/** What other modules see of a product. */
export function viewOf(product: Product): ProductView {
  const { id, sku, name, description, priceMinor, currency, categoryId, active } = product;
  return new ProductView({ id, sku, name, description, priceMinor, currency, categoryId, active });
}
