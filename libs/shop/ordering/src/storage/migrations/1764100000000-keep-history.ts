import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATES_BEFORE = "('placing', 'placed', 'rejected', 'confirmed', 'completed', 'cancelling', 'cancelled')";
const STATES =
  "('placing', 'placed', 'rejected', 'confirmed', 'shipped', 'completed', 'cancelling', 'cancelled', 'refunding', 'refunded')";

/**
 * Other steps of an order besides its states, in the order in which they were stored; and the states of shipped and
 * refunded orders. A replica of the previous version can still store its states.
 */
export class KeepHistory1764100000000 implements MigrationInterface {
  readonly name = 'KeepHistory1764100000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE orders DROP CONSTRAINT orders_state_check, ADD CONSTRAINT orders_state_check CHECK (state IN ${STATES})`,
    );
    await runner.query(`
      ALTER TABLE order_steps
        DROP CONSTRAINT order_steps_pkey,
        ALTER COLUMN state DROP NOT NULL,
        ADD COLUMN what text,
        ADD COLUMN seq bigint GENERATED ALWAYS AS IDENTITY,
        ADD PRIMARY KEY (order_id, seq),
        ADD CONSTRAINT order_steps_state_once UNIQUE (order_id, state),
        ADD CONSTRAINT order_steps_say_something CHECK (state IS NOT NULL OR what IS NOT NULL)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE orders DROP CONSTRAINT orders_state_check, ADD CONSTRAINT orders_state_check CHECK (state IN ${STATES_BEFORE})`,
    );
    await runner.query('DELETE FROM order_steps WHERE state IS NULL');
    await runner.query(`
      ALTER TABLE order_steps
        DROP CONSTRAINT order_steps_say_something,
        DROP CONSTRAINT order_steps_state_once,
        DROP CONSTRAINT order_steps_pkey,
        DROP COLUMN seq,
        DROP COLUMN what,
        ALTER COLUMN state SET NOT NULL,
        ADD PRIMARY KEY (order_id, state)`);
  }
}
