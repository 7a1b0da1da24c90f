import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Shipments, one for each order. */
export class CreateShipments1764200000000 implements MigrationInterface {
  readonly name = 'CreateShipments1764200000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE shipments (
      order_id uuid PRIMARY KEY,
      shipment_id uuid NOT NULL UNIQUE,
      state text NOT NULL CHECK (state IN ('packed', 'dispatched', 'delivered', 'cancelled', 'forbidden')),
      user_id uuid,
      lines jsonb NOT NULL,
      tracking_code text,
      created_at timestamptz(3) NOT NULL,
      due_at timestamptz(3),
      dispatched_at timestamptz(3),
      delivered_at timestamptz(3),
      CONSTRAINT shipments_known CHECK (state = 'forbidden' OR user_id IS NOT NULL),
      CONSTRAINT shipments_goes_on CHECK ((due_at IS NOT NULL) = (state IN ('packed', 'dispatched'))),
      CONSTRAINT shipments_tracked CHECK ((tracking_code IS NOT NULL) = (state IN ('dispatched', 'delivered')))
    )`);
    await runner.query('CREATE INDEX shipments_due ON shipments (due_at) WHERE due_at IS NOT NULL');
    await runner.query('CREATE INDEX shipments_of_user ON shipments (user_id, created_at, order_id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE shipments');
  }
}
