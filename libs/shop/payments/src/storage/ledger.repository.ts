import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { entriesOf, type Posting } from '../domain/ledger.js';

/** The ledger: postings are never changed. */
@Injectable()
export class LedgerRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Posts within the open transaction. Fails if the order already has a posting of this kind. */
  async post(orderId: string, posting: Posting): Promise<void> {
    const entries = entriesOf(posting);
    await this.dataSource.query(
      `WITH posted AS (INSERT INTO ledger_transaction (id, order_id, kind, posted_at) VALUES ($1, $2, $3, now()))
       INSERT INTO ledger_entry (transaction_id, account, amount_minor, currency, order_id)
       SELECT $1, account, amount_minor, currency, $2 FROM unnest($4::text[], $5::bigint[], $6::text[]) AS e (account, amount_minor, currency)`,
      [
        randomUUID(),
        orderId,
        posting.kind,
        entries.map((e) => e.account),
        entries.map((e) => e.amountMinor),
        entries.map((e) => e.currency),
      ],
    );
  }
}
