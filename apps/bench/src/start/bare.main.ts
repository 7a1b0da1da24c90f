import 'reflect-metadata';
import { Controller, Get, Module, Param, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { Column, Entity, PrimaryColumn, Repository } from 'typeorm';

@Entity('product')
class Product {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  name!: string;

  @Column('int')
  priceMinor!: number;
}

@Controller('products')
class ProductsController {
  constructor(@InjectRepository(Product) private readonly products: Repository<Product>) {}

  @Get()
  list(): Promise<Product[]> {
    return this.products.find({ take: 20 });
  }

  @Get(':id')
  get(@Param('id') id: string): Promise<Product | null> {
    return this.products.findOneBy({ id });
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'postgres', url: process.env.DATABASE_URL, schema: 'bare', entities: [Product] }),
    TypeOrmModule.forFeature([Product]),
  ],
  controllers: [ProductsController],
})
class BareModule {}

const app = await NestFactory.create(BareModule, new FastifyAdapter(), { logger: ['error', 'warn'] });
if (process.argv.includes('--validation')) app.useGlobalPipes(new ValidationPipe());
app.enableShutdownHooks();
await app.listen(Number(process.env.FLEDGE_PORT), '127.0.0.1');
