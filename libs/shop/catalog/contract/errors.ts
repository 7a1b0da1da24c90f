import { ContractError, ErrorContract, type Fields } from '@fledge/kit/contract';
import { IsInt, IsString, IsUUID, MaxLength } from 'class-validator';

/** There is no product with this id. */
@ErrorContract('catalog.product-not-found.v1', { kind: 'not-found', hint: 'Take the id from GET /products.' })
export class ProductNotFound extends ContractError {
  @IsUUID() readonly productId!: string;
  constructor(fields: Fields<ProductNotFound>) {
    super(`there is no product ${fields.productId}`);
    Object.assign(this, fields);
  }
}

/** There is no category with this id. */
@ErrorContract('catalog.unknown-category.v1', {
  kind: 'invalid',
  hint: 'Take the id from GET /categories, or make the category at POST /categories.',
})
export class UnknownCategory extends ContractError {
  @IsString() @MaxLength(60) readonly categoryId!: string;
  constructor(fields: Fields<UnknownCategory>) {
    super(`there is no category '${fields.categoryId}'`);
    Object.assign(this, fields);
  }
}

/** Another product has this number. */
@ErrorContract('catalog.sku-taken.v1', {
  kind: 'conflict',
  hint: 'Choose another sku, or change the product that has it at PATCH /products/:id.',
})
export class SkuTaken extends ContractError {
  @IsString() @MaxLength(40) readonly sku!: string;
  constructor(fields: Fields<SkuTaken>) {
    super(`a product with the sku '${fields.sku}' exists already`);
    Object.assign(this, fields);
  }
}

/** Another category has this id. */
@ErrorContract('catalog.category-taken.v1', { kind: 'conflict', hint: 'Choose another id.' })
export class CategoryTaken extends ContractError {
  @IsString() @MaxLength(60) readonly categoryId!: string;
  constructor(fields: Fields<CategoryTaken>) {
    super(`a category '${fields.categoryId}' exists already`);
    Object.assign(this, fields);
  }
}

/** The shop has as many categories as it may. */
@ErrorContract('catalog.too-many-categories.v1', { kind: 'conflict', hint: 'Use a category that exists.' })
export class TooManyCategories extends ContractError {
  @IsInt() readonly categoriesMax!: number;
  constructor(fields: Fields<TooManyCategories>) {
    super(`there are ${fields.categoriesMax} categories, which is as many as there may be`);
    Object.assign(this, fields);
  }
}
