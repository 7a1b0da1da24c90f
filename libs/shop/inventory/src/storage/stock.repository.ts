import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';
import { noStock, type Stock } from '../domain/stock.js';
import { StockRow } from './stock.row.js';

/** The stock of products. */
@Injectable()
export class StockRepository {
  constructor(@InjectRepository(StockRow) private readonly rows: Repository<StockRow>) {}

  /** The stock of a product, if it ever had any. */
  async find(productId: string): Promise<Stock | undefined> {
    return (await this.rows.findOneBy({ productId })) ?? undefined;
  }

  /** The stock of the given products that ever had any. */
  findAll(productIds: readonly string[]): Promise<Stock[]> {
    return this.rows.findBy({ productId: In(productIds) });
  }

  /** Like `findAll`, locked for a transaction that will change it. Locks in the order of ids, to avoid deadlocks. */
  async lock(productIds: readonly string[]): Promise<Map<string, Stock>> {
    const rows = await this.rows.find({
      where: { productId: In(productIds) },
      order: { productId: 'ASC' },
      lock: { mode: 'pessimistic_write' },
    });
    return new Map(rows.map((row) => [row.productId, row]));
  }

  /** Makes sure that each product has a row which can be locked. */
  async open(productIds: readonly string[]): Promise<void> {
    await this.rows.createQueryBuilder().insert().values(productIds.map(noStock)).orIgnore().execute();
  }

  /** Stores the new stock of locked products, in one statement. */
  async store(stocks: readonly Stock[]): Promise<void> {
    await this.rows.query(
      `UPDATE stock SET received = n.received, available = n.available, reserved = n.reserved, sold = n.sold
       FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::integer[], $5::integer[]) AS n (product_id, received, available, reserved, sold)
       WHERE stock.product_id = n.product_id`,
      [
        stocks.map((s) => s.productId),
        stocks.map((s) => s.received),
        stocks.map((s) => s.available),
        stocks.map((s) => s.reserved),
        stocks.map((s) => s.sold),
      ],
    );
  }
}
