import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Categories and products, with an index for each way to list them. */
export class CreateCatalog1763800000000 implements MigrationInterface {
  readonly name = 'CreateCatalog1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE categories (id text PRIMARY KEY, name text NOT NULL)');
    await runner.query(`
      CREATE TABLE products (
        id uuid PRIMARY KEY,
        sku text NOT NULL CONSTRAINT products_sku_unique UNIQUE,
        name text NOT NULL,
        description text NOT NULL,
        price_minor integer NOT NULL CHECK (price_minor >= 0),
        currency text NOT NULL CHECK (length(currency) = 3),
        category_id text NOT NULL REFERENCES categories (id),
        active boolean NOT NULL,
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        search tsvector NOT NULL GENERATED ALWAYS AS (
          setweight(to_tsvector('english', name), 'A') ||
          setweight(to_tsvector('simple', sku), 'A') ||
          setweight(to_tsvector('english', description), 'C')
        ) STORED
      )`);
    await runner.query('CREATE INDEX products_by_name ON products (name, id)');
    await runner.query('CREATE INDEX products_by_price ON products (price_minor, id)');
    await runner.query('CREATE INDEX products_by_age ON products (created_at, id)');
    await runner.query('CREATE INDEX products_by_category ON products (category_id)');
    await runner.query('CREATE INDEX products_by_words ON products USING gin (search)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE products');
    await runner.query('DROP TABLE categories');
  }
}
