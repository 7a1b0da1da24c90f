import 'reflect-metadata';
import { forwardRef, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Entity, EntitySchema, PrimaryColumn } from 'typeorm';
import { defineContract } from '../contract/index.js';
import { BoundedModule, checkedModuleSpec } from './bounded-module.js';

@Entity('near')
class Near {
  @PrimaryColumn() id!: string;
}
@Entity('far')
class Far {
  @PrimaryColumn() id!: string;
}
@Entity('named')
class Named {
  @PrimaryColumn() id!: string;
}
const Bare = new EntitySchema<{ id: string }>({ name: 'bare', columns: { id: { type: String, primary: true } } });

@Module({ imports: [TypeOrmModule.forFeature([Far])] })
class FarModule {}
@Module({
  imports: [
    forwardRef(() => FarModule),
    { module: class Dynamic {}, imports: [TypeOrmModule.forFeature([Near, Bare])] },
  ],
})
class BetweenModule {}

const contract = defineContract({ name: 'stock' });

@BoundedModule({ contract, entities: [Named, Near, Bare], imports: [BetweenModule] })
class StockModule {}

@Module({ imports: [TypeOrmModule.forRoot({ type: 'postgres' })] })
class DatabaseModule {}
@BoundedModule({ contract, imports: [DatabaseModule] })
class OpensItsOwn {}

describe('the entities of a bounded module', () => {
  it('are those that it names and those that it or its imports name with TypeOrmModule.forFeature, each once', () => {
    expect(new Set(checkedModuleSpec(StockModule).entities)).toEqual(new Set([Named, Near, Bare, Far]));
    expect(checkedModuleSpec(StockModule).entities).toHaveLength(4);
  });

  it('are never in a database that the module opens itself', () => {
    expect(() => checkedModuleSpec(OpensItsOwn)).toThrow(
      expect.objectContaining({
        code: 'fledge.startup.own-data-source',
        message: 'OpensItsOwn opens its own database with TypeOrmModule.forRoot',
        hint: 'Remove it and name the migrations in @BoundedModule: the host opens a data source for each module, on its own schema.',
      }),
    );
  });
});
