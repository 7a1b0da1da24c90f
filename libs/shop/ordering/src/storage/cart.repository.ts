import { Injectable } from '@nestjs/common';
import { InjectDataSource, InjectRepository } from '@nestjs/typeorm';
import { DataSource, Repository } from 'typeorm';
import { type Cart, EMPTY_CART } from '../domain/cart.js';
import { CartLineRow } from './cart-line.row.js';
import { CartRow } from './cart.row.js';

/** Carts by user. */
@Injectable()
export class CartRepository {
  constructor(
    @InjectRepository(CartRow) private readonly rows: Repository<CartRow>,
    @InjectRepository(CartLineRow) private readonly lines: Repository<CartLineRow>,
    @InjectDataSource() private readonly dataSource: DataSource,
  ) {}

  /** The cart of a user. */
  async find(userId: string): Promise<Cart> {
    // The version first: if the lines are newer, a later comparison of versions notices.
    const row = await this.rows.findOneBy({ userId });
    return row ? this.cartOf(row) : EMPTY_CART;
  }

  /** The cart of a user, locked for a transaction that depends on it. */
  async lock(userId: string): Promise<Cart> {
    const locked = await this.lockRow(userId);
    if (locked) return this.cartOf(locked);
    // The first change of a user's first cart: a concurrent one may create the row.
    await this.rows.createQueryBuilder().insert().values({ userId, version: 0, currency: null }).orIgnore().execute();
    const made = await this.lockRow(userId);
    if (!made) throw new Error(`the cart of user ${userId} is there and is not`);
    return this.cartOf(made);
  }

  /** Changes the cart of a user; concurrent changes run one after the other. */
  async change(userId: string, how: (cart: Cart) => Cart): Promise<Cart> {
    return this.dataSource.transaction(async () => {
      const cart = how(await this.lock(userId));
      await this.store(userId, cart);
      return cart;
    });
  }

  /** Stores a locked cart as it is now. */
  async store(userId: string, { version, currency, lines }: Cart): Promise<void> {
    await this.rows.update({ userId }, { version, currency: currency ?? null });
    const ids = lines.map((line) => line.productId);
    await this.lines.query('DELETE FROM cart_lines WHERE user_id = $1 AND product_id <> ALL ($2::uuid[])', [
      userId,
      ids,
    ]);
    if (lines.length === 0) return;
    await this.lines.upsert(
      lines.map(({ productId, quantity }, position) => ({ userId, productId, quantity, position })),
      ['userId', 'productId'],
    );
  }

  private lockRow(userId: string): Promise<CartRow | null> {
    return this.rows.findOne({ where: { userId }, lock: { mode: 'pessimistic_write' } });
  }

  private async cartOf({ userId, version, currency }: CartRow): Promise<Cart> {
    const lines = await this.lines.find({ where: { userId }, order: { position: 'ASC', productId: 'ASC' } });
    return {
      version,
      currency: currency ?? undefined,
      lines: lines.map(({ productId, quantity }) => ({ productId, quantity })),
    };
  }
}
