import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Carts and orders. */
export class CreateOrdering1763800000000 implements MigrationInterface {
  readonly name = 'CreateOrdering1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE carts (user_id uuid PRIMARY KEY, version integer NOT NULL, currency text)');
    await runner.query(`
      CREATE TABLE cart_lines (
        user_id uuid NOT NULL REFERENCES carts (user_id),
        product_id uuid NOT NULL,
        quantity integer NOT NULL CHECK (quantity > 0),
        position integer NOT NULL,
        PRIMARY KEY (user_id, product_id)
      )`);
    await runner.query(`
      CREATE TABLE orders (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        state text NOT NULL CHECK (state IN ('placing', 'placed', 'rejected', 'cancelling', 'cancelled')),
        currency text NOT NULL,
        total_minor bigint NOT NULL CHECK (total_minor >= 0),
        idempotency_key text,
        created_at timestamptz(3) NOT NULL,
        placed_at timestamptz(3),
        updated_at timestamptz(3) NOT NULL,
        CONSTRAINT orders_key_unique UNIQUE (user_id, idempotency_key)
      )`);
    await runner.query("CREATE UNIQUE INDEX orders_one_placing ON orders (user_id) WHERE state = 'placing'");
    await runner.query('CREATE INDEX orders_of_user ON orders (user_id, placed_at, id) WHERE placed_at IS NOT NULL');
    await runner.query("CREATE INDEX orders_unsettled ON orders (updated_at) WHERE state IN ('placing', 'cancelling')");
    await runner.query(`
      CREATE TABLE order_lines (
        order_id uuid NOT NULL REFERENCES orders (id),
        position integer NOT NULL,
        product_id uuid NOT NULL,
        sku text NOT NULL,
        name text NOT NULL,
        unit_price_minor integer NOT NULL CHECK (unit_price_minor >= 0),
        quantity integer NOT NULL CHECK (quantity > 0),
        PRIMARY KEY (order_id, position)
      )`);
    await runner.query(`
      CREATE TABLE order_steps (
        order_id uuid NOT NULL REFERENCES orders (id),
        state text NOT NULL,
        at timestamptz(3) NOT NULL,
        reason text,
        PRIMARY KEY (order_id, state)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['order_steps', 'order_lines', 'orders', 'cart_lines', 'carts'])
      await runner.query(`DROP TABLE ${table}`);
  }
}
