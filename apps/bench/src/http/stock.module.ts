import { Controller, type DynamicModule, Get, Injectable, Module, NotFoundException, Param } from '@nestjs/common';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { IsUUID } from 'class-validator';
import { Column, Entity, PrimaryColumn, Repository } from 'typeorm';

/** The `:id` of a product in a path, as in the shop's catalog. */
class ProductId {
  @IsUUID() readonly id!: string;
}

@Entity('products')
class ProductRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') sku!: string;
  @Column('text') name!: string;
  @Column('text') description!: string;
  @Column('integer', { name: 'price_minor' }) priceMinor!: number;
  @Column('text') currency!: string;
  @Column('text', { name: 'category_id' }) categoryId!: string;
  @Column('boolean') active!: boolean;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'updated_at' }) updatedAt!: Date;
}

class ProductResource {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly description: string;
  readonly priceMinor: number;
  readonly currency: string;
  readonly categoryId: string;
  readonly active: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;

  constructor(row: ProductRow) {
    this.id = row.id;
    this.sku = row.sku;
    this.name = row.name;
    this.description = row.description;
    this.priceMinor = row.priceMinor;
    this.currency = row.currency;
    this.categoryId = row.categoryId;
    this.active = row.active;
    this.createdAt = row.createdAt;
    this.updatedAt = row.updatedAt;
  }
}

@Injectable()
class ProductRepository {
  constructor(@InjectRepository(ProductRow) private readonly rows: Repository<ProductRow>) {}

  async find(id: string): Promise<ProductRow | undefined> {
    return (await this.rows.findOneBy({ id })) ?? undefined;
  }
}

@Controller('products')
class ProductController {
  constructor(private readonly products: ProductRepository) {}

  @Get(':id')
  async get(@Param() { id }: ProductId): Promise<ProductResource> {
    const product = await this.products.find(id);
    if (!product) throw new NotFoundException();
    return new ProductResource(product);
  }
}

/**
 * The catalog's `GET /products/:id` as a Nest team would write it without Fledge. The classes copy those of the shop's
 * catalog, which only its own module may import; before the measurement both are checked to give the same answers.
 */
@Module({})
export class StockModule {
  /**
   * @param url the database of a shop, whose catalog has created its tables.
   * @param poolMax the size of the pool.
   */
  static on(url: string, poolMax: number): DynamicModule {
    return {
      module: StockModule,
      imports: [
        TypeOrmModule.forRoot({ type: 'postgres', url, schema: 'catalog', poolSize: poolMax, entities: [ProductRow] }),
        TypeOrmModule.forFeature([ProductRow]),
      ],
      providers: [ProductRepository],
      controllers: [ProductController],
    };
  }
}
