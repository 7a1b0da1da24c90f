/** For the host alone: other modules import `@shop/catalog/contract`. */
export { CatalogModule } from './catalog.module.js';
