/** A product of the shop. */
export interface Product {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly description: string;
  /** Minor units of `currency`. */
  readonly priceMinor: number;
  readonly currency: string;
  readonly categoryId: string;
  readonly active: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What staff may change of a product. Its sku and currency stay: orders and carts rely on them. */
export type ProductChange = Partial<Pick<Product, 'name' | 'description' | 'priceMinor' | 'categoryId' | 'active'>>;

/** A category of products. Its id is a word (`kitchen`), which reads well in a URL. */
export interface Category {
  readonly id: string;
  readonly name: string;
}

/** The most categories that the shop may have. */
export const CATEGORIES_MAX = 500;
