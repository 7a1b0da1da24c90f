import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { ReceiptRow } from './receipt.row.js';

/** A delivery, identified by its reference so that it is received once. */
export interface Receipt {
  readonly reference: string;
  readonly productId: string;
  readonly quantity: number;
  readonly receivedAt: Date;
}

/** Deliveries by reference. */
@Injectable()
export class ReceiptRepository {
  constructor(@InjectRepository(ReceiptRow) private readonly rows: Repository<ReceiptRow>) {}

  /** Stores the receipts whose reference is new; returns their references. */
  async add(receipts: readonly Receipt[]): Promise<Set<string>> {
    const result = await this.rows
      .createQueryBuilder()
      .insert()
      .values(receipts.map((receipt) => ({ ...receipt })))
      .orIgnore()
      .returning('reference')
      .execute();
    return new Set((result.raw as { reference: string }[]).map((row) => row.reference));
  }

  /** The receipt with this reference. */
  async find(reference: string): Promise<Receipt | undefined> {
    return (await this.rows.findOneBy({ reference })) ?? undefined;
  }
}
