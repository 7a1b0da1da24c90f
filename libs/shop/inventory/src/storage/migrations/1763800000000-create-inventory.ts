import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Stock, whose constraints guarantee that it adds up, deliveries, and reservations. */
export class CreateInventory1763800000000 implements MigrationInterface {
  readonly name = 'CreateInventory1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE stock (
        product_id uuid PRIMARY KEY,
        received integer NOT NULL CHECK (received >= 0),
        available integer NOT NULL CHECK (available >= 0),
        reserved integer NOT NULL CHECK (reserved >= 0),
        sold integer NOT NULL CHECK (sold >= 0),
        CONSTRAINT stock_adds_up CHECK (available + reserved + sold = received)
      )`);
    await runner.query(`
      CREATE TABLE receipts (
        reference text PRIMARY KEY,
        product_id uuid NOT NULL,
        quantity integer NOT NULL CHECK (quantity > 0),
        received_at timestamptz(3) NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE reservations (
        order_id uuid PRIMARY KEY,
        status text NOT NULL CHECK (status IN ('held', 'released', 'confirmed')),
        expires_at timestamptz(3) NOT NULL,
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL
      )`);
    await runner.query("CREATE INDEX reservations_to_expire ON reservations (expires_at) WHERE status = 'held'");
    await runner.query(`
      CREATE TABLE reservation_lines (
        order_id uuid NOT NULL REFERENCES reservations (order_id),
        product_id uuid NOT NULL REFERENCES stock (product_id),
        quantity integer NOT NULL CHECK (quantity > 0),
        PRIMARY KEY (order_id, product_id)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['reservation_lines', 'reservations', 'receipts', 'stock'])
      await runner.query(`DROP TABLE ${table}`);
  }
}
