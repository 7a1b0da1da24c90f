import { BoundedModule, Consumer, currentCall } from '@fledge/kit';
import { ContractError, defineContract, ErrorContract, EventContract } from '@fledge/kit/contract';
import { Controller } from '@nestjs/common';
import { EventBus, EventsHandler, type IEventHandler, QueryBus } from '@nestjs/cqrs';
import { EventPattern, MessagePattern, Payload, RpcException, Transport } from '@nestjs/microservices';
import { IsString } from 'class-validator';
import { concat, defer, from, of } from 'rxjs';
import { Column, DataSource, Entity, type MigrationInterface, PrimaryColumn, type QueryRunner } from 'typeorm';
import { FindJar, type Jar, PantryContract } from './pantry.js';

@EventContract('till.paid.v1', { key: 'id' })
export class Paid {
  @IsString() id!: string;
}

@ErrorContract('till.closed.v1', { kind: 'conflict', hint: 'come tomorrow' })
class TillClosed extends ContractError {}

export const TillContract = defineContract({ name: 'till', events: [Paid] });

@Entity('receipt')
class ReceiptRow {
  @PrimaryColumn('text') id!: string;
  @Column('text') by!: string;
}

class Receipts1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table receipt (id text primary key, by text not null)');
  }
  async down(): Promise<void> {}
}

/** What happened, in order. */
export const told: string[] = [];

/** Lets the handler of `slow` end. */
export const gate = { open: (): void => undefined };

@Consumer('receipts')
@EventsHandler(Paid)
class PaidHandler implements IEventHandler<Paid> {
  handle({ id }: Paid): void {
    told.push(`paid ${id}`);
  }
}

@Controller()
class TillController {
  constructor(
    private readonly data: DataSource,
    private readonly queries: QueryBus,
    private readonly events: EventBus,
  ) {}

  @MessagePattern('till.pay')
  async pay(@Payload() { id }: { id: string }): Promise<object> {
    const jar: Jar = await this.queries.execute(findJar(id));
    const call = currentCall();
    await this.data.transaction(async (manager) => {
      await manager.insert(ReceiptRow, { id, by: call?.caller ?? '' });
      await this.events.publish(Object.assign(new Paid(), { id }));
    });
    return {
      grams: jar.grams,
      caller: call?.caller,
      identity: call?.identity ?? null,
      leftMs: String(call?.timeLeftMs),
    };
  }

  @MessagePattern('till.call-in-transaction')
  async callInTransaction(): Promise<string> {
    return this.data.transaction(() =>
      this.queries.execute(findJar('plum')).then(
        () => 'called',
        (error: { code: string }) => error.code,
      ),
    );
  }

  @MessagePattern('till.unstored')
  async unstored(): Promise<void> {
    await this.events.publish(Object.assign(new Paid(), { id: 'x' }));
  }

  @MessagePattern('till.stream')
  stream() {
    return concat(
      of('first'),
      defer(() => from(this.data.transaction(async () => `then ${currentCall()?.caller}`))),
    );
  }

  @MessagePattern('till.slow')
  async slow(): Promise<string> {
    told.push('slow began');
    await new Promise<void>((resolve) => (gate.open = resolve));
    await this.data.query('select 1 from receipt');
    return 'done';
  }

  @MessagePattern('till.refused')
  refused(): never {
    throw new RpcException('no change');
  }

  @MessagePattern('till.closed')
  closed(): never {
    throw new TillClosed('closed on Sundays');
  }

  @MessagePattern('till.broken')
  broken(): never {
    throw new Error('secret');
  }

  @EventPattern('till.opened', Transport.TCP)
  opened(@Payload() by: string): void {
    told.push(`opened by ${by}`);
  }
}

@BoundedModule({
  contract: TillContract,
  uses: [PantryContract],
  entities: [ReceiptRow],
  migrations: [Receipts1700000000000],
  controllers: [TillController],
  providers: [PaidHandler],
})
export class TillModule {}

function findJar(id: string): FindJar {
  return Object.assign(new FindJar(), { id });
}
