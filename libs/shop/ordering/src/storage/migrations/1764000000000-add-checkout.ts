import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The payment method of an order, and the states of its checkout. */
export class AddCheckout1764000000000 implements MigrationInterface {
  readonly name = 'AddCheckout1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      "ALTER TABLE orders ADD COLUMN payment_method text, DROP CONSTRAINT orders_state_check, ADD CONSTRAINT orders_state_check CHECK (state IN ('placing', 'placed', 'rejected', 'confirmed', 'completed', 'cancelling', 'cancelled'))",
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      "ALTER TABLE orders DROP COLUMN payment_method, DROP CONSTRAINT orders_state_check, ADD CONSTRAINT orders_state_check CHECK (state IN ('placing', 'placed', 'rejected', 'cancelling', 'cancelled'))",
    );
  }
}
