import { Authentication, BoundedModule } from '@fledge/kit';
import { ACCESS_TOKENS, GetSigningKeys, IdentityContract } from '@shop/identity/contract';
import { CatalogContract } from '../contract/index.js';
import { CategoriesController } from './categories/categories.controller.js';
import { DemoCatalog } from './demo/demo-catalog.js';
import { GetProductController } from './get-product/get-product.controller.js';
import { GetProductHandler } from './get-product/get-product.handler.js';
import { GetProductsHandler } from './get-product/get-products.handler.js';
import { KeepProductsController } from './keep-products/keep-products.controller.js';
import { ListProductsController } from './list-products/list-products.controller.js';
import { ListProductsHandler } from './list-products/list-products.handler.js';
import { CatalogSettings } from './settings.js';
import { CategoryRepository } from './storage/category.repository.js';
import { CategoryRow } from './storage/category.row.js';
import { CreateCatalog1763800000000 } from './storage/migrations/1763800000000-create-catalog.js';
import { ProductRepository } from './storage/product.repository.js';
import { ProductRow } from './storage/product.row.js';

/** Products, categories, prices, search. */
@BoundedModule({
  contract: CatalogContract,
  uses: [IdentityContract],
  entities: [CategoryRow, ProductRow],
  migrations: [CreateCatalog1763800000000],
  settings: CatalogSettings,
  imports: [Authentication.verifiedBy(GetSigningKeys, ACCESS_TOKENS)],
  providers: [
    CategoryRepository,
    ProductRepository,
    GetProductHandler,
    GetProductsHandler,
    ListProductsHandler,
    DemoCatalog,
  ],
  controllers: [ListProductsController, GetProductController, KeepProductsController, CategoriesController],
})
export class CatalogModule {}
