import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Payments, the ledger, what webhooks were seen, and the sandbox provider's book. */
export class CreatePayments1763900000000 implements MigrationInterface {
  readonly name = 'CreatePayments1763900000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...PAYMENTS, ...LEDGER, ...APPEND_ONLY, ...SANDBOX]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of [
      'sandbox_book',
      'webhook_events',
      'ledger_entry',
      'ledger_transaction',
      'payment_steps',
      'payments',
    ])
      await runner.query(`DROP TABLE ${table}`);
    await runner.query('DROP FUNCTION ledger_must_balance(), append_only()');
  }
}

const STATES =
  "('authorising', 'authorised', 'declined', 'capturing', 'captured', 'capture-failed', 'voiding', 'voided', 'refunding', 'refunded', 'forbidden')";

const PAYMENTS = [
  `CREATE TABLE payments (
    order_id uuid PRIMARY KEY,
    state text NOT NULL CHECK (state IN ${STATES}),
    user_id uuid,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    currency text,
    payment_method text,
    reference text,
    captured_minor bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    cancel_reason text,
    reason text,
    told text[] NOT NULL,
    ask_at timestamptz(3),
    asked_in_vain integer NOT NULL DEFAULT 0,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    CONSTRAINT payments_captured_all_or_nothing CHECK (captured_minor IN (0, amount_minor)),
    CONSTRAINT payments_refunded_all_or_nothing CHECK (refunded_minor IN (0, captured_minor)),
    CONSTRAINT payments_money_known CHECK (state = 'forbidden' OR (user_id IS NOT NULL AND currency IS NOT NULL AND payment_method IS NOT NULL)),
    CONSTRAINT payments_asked CHECK ((ask_at IS NOT NULL) = (state IN ('authorising', 'capturing', 'voiding', 'refunding')))
  )`,
  'CREATE INDEX payments_to_ask ON payments (ask_at) WHERE ask_at IS NOT NULL',
  'CREATE INDEX payments_newest ON payments (created_at, order_id)',
  `CREATE TABLE payment_steps (
    order_id uuid NOT NULL REFERENCES payments (order_id),
    seq bigint GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL CHECK (state IN ${STATES}),
    at timestamptz(3) NOT NULL,
    reason text,
    PRIMARY KEY (order_id, seq)
  )`,
  'CREATE TABLE webhook_events (id text PRIMARY KEY, received_at timestamptz(3) NOT NULL)',
  'CREATE INDEX webhook_events_received ON webhook_events (received_at)',
];

/** An order has at most one transaction per kind, so at most one capture. Each sums to zero at its commit. */
const LEDGER = [
  `CREATE TABLE ledger_transaction (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES payments (order_id),
    kind text NOT NULL CHECK (kind IN ('authorise', 'void', 'capture', 'refund')),
    posted_at timestamptz(3) NOT NULL,
    UNIQUE (order_id, kind)
  )`,
  `CREATE TABLE ledger_entry (
    transaction_id uuid NOT NULL REFERENCES ledger_transaction (id),
    account text NOT NULL CHECK (account IN ('authorised', 'commitments', 'provider', 'sales', 'refunds')),
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    order_id uuid NOT NULL,
    PRIMARY KEY (transaction_id, account)
  )`,
  'CREATE INDEX ledger_entry_of_order ON ledger_entry (order_id)',
  `CREATE FUNCTION ledger_must_balance() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF EXISTS (SELECT FROM ledger_entry WHERE transaction_id = NEW.transaction_id GROUP BY currency HAVING sum(amount_minor) <> 0) THEN
      RAISE EXCEPTION 'the ledger transaction % does not sum to zero', NEW.transaction_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
  END $$`,
  'CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT ON ledger_entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_must_balance()',
];

/** Postings are never changed: a mistake is reversed by another posting. */
const APPEND_ONLY = [
  `CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
  END $$`,
  ...['ledger_transaction', 'ledger_entry'].map(
    (table) =>
      `CREATE TRIGGER ${table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ${table} EXECUTE FUNCTION append_only()`,
  ),
];

/** The book of the sandbox provider: nothing else in this schema reads it. */
const SANDBOX = [
  `CREATE TABLE sandbox_book (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference text NOT NULL,
    position integer NOT NULL,
    key text NOT NULL,
    outcome text NOT NULL,
    line jsonb NOT NULL,
    UNIQUE (reference, position)
  )`,
  'CREATE UNIQUE INDEX sandbox_book_once ON sandbox_book (key, outcome)',
  "CREATE INDEX sandbox_book_pending ON sandbox_book (seq) WHERE outcome = 'pending'",
  'CREATE TRIGGER sandbox_book_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sandbox_book EXECUTE FUNCTION append_only()',
];
