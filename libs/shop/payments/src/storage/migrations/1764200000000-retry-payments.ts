import type { MigrationInterface, QueryRunner } from 'typeorm';

const BEFORE =
  "('authorising', 'authorised', 'declined', 'capturing', 'captured', 'capture-failed', 'voiding', 'voided', 'refunding', 'refunded', 'forbidden')";
const AFTER = BEFORE.replace(')', ", 'void-failed', 'refund-failed')");

/** A refusal by the provider becomes a state, from which the step can be retried. */
export class RetryPayments1764200000000 implements MigrationInterface {
  readonly name = 'RetryPayments1764200000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE payments ADD COLUMN attempt integer NOT NULL DEFAULT 1 CHECK (attempt >= 1)');
    await allow(runner, AFTER);
  }

  /** Refused steps wait for the provider again, as they did before. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      "UPDATE payments SET state = CASE state WHEN 'void-failed' THEN 'voiding' ELSE 'refunding' END, ask_at = now() WHERE state IN ('void-failed', 'refund-failed')",
    );
    // a refusal is published once per attempt, and attempts are no longer counted
    await runner.query("UPDATE payments SET told = array_remove(told, 'cancel-failed')");
    await runner.query(
      "UPDATE payment_steps SET state = CASE state WHEN 'void-failed' THEN 'voiding' ELSE 'refunding' END WHERE state IN ('void-failed', 'refund-failed')",
    );
    await allow(runner, BEFORE);
    await runner.query('ALTER TABLE payments DROP COLUMN attempt');
  }
}

async function allow(runner: QueryRunner, states: string): Promise<void> {
  for (const table of ['payments', 'payment_steps']) {
    await runner.query(
      `ALTER TABLE ${table} DROP CONSTRAINT ${table}_state_check, ADD CONSTRAINT ${table}_state_check CHECK (state IN ${states})`,
    );
  }
}
