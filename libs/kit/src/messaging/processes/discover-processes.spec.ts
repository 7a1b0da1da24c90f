import { type INestApplicationContext, type ModuleMetadata, Scope } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IsInt, IsString } from 'class-validator';
import { Catalogue } from '../../boundary/index.js';
import { type Contract, defineContract, EventContract } from '../../contract/index.js';
import { Continues, OnTimer, Process, Starts } from './decorators.js';
import { discoverProcesses } from './discover-processes.js';
import type { ProcessConsumer } from './process-consumer.js';

@EventContract('orders.placed.v1', { key: 'orderId' })
class Placed {
  @IsString() readonly orderId!: string;
}

class Plain {
  readonly orderId!: string;
}

const Orders = defineContract({ name: 'orders', events: [Placed] });
const Other = defineContract({ name: 'other' });
const catalogue = new Catalogue([Orders, Other]);

class State {
  @IsInt() count = 0;
}

async function container(...providers: NonNullable<ModuleMetadata['providers']>): Promise<INestApplicationContext> {
  class Root {}
  return NestFactory.createApplicationContext({ module: Root, providers }, { logger: false, abortOnError: false });
}

/** A start stores and sends nothing. */
const never = (): never => {
  throw new Error('no statement is run at a start');
};

function found(
  app: INestApplicationContext,
  contract: Contract = Orders,
  uses: readonly Contract[] = [],
): ProcessConsumer[] {
  return discoverProcesses(
    app,
    {
      spec: { contract, uses, entities: [], migrations: [] },
      catalogue,
      sql: { rows: never, transaction: never },
      outbox: { addCommand: never },
    },
    [{ name: 'mails' }],
  );
}

const orderOf = (event: Placed): string => event.orderId;

class Unnamed {
  @Starts(Placed, orderOf) begin(): void {}
}

@Process('startless', { state: State })
class Startless {
  @Continues(Placed, orderOf) go(): void {}
}

@Process('event-twice', { state: State })
class EventTwice {
  @Starts(Placed, orderOf) begin(): void {}
  @Continues(Placed, orderOf) go(): void {}
}

@Process('timer-twice', { state: State })
class TimerTwice {
  @Starts(Placed, orderOf) begin(): void {}
  @OnTimer('late') one(): void {}
  @OnTimer('late') other(): void {}
}

class BareState {
  @IsInt() checked = 0;
  bare = 1;
}

@Process('bare', { state: BareState })
class Bare {
  @Starts(Placed, orderOf) begin(): void {}
}

@Process('twin', { state: State })
class Twin {
  @Starts(Placed, orderOf) begin(): void {}
}

@Process('twin', { state: State })
class OtherTwin {
  @Starts(Placed, orderOf) begin(): void {}
}

@Process('mails', { state: State })
class Mails {
  @Starts(Placed, orderOf) begin(): void {}
}

describe('the start refuses a process', () => {
  it.each([
    ['process-unnamed', [Unnamed]],
    ['process-without-start', [Startless]],
    ['process-event-twice', [EventTwice]],
    ['process-timer-twice', [TimerTwice]],
    ['process-state', [Bare]],
    ['process-twice', [Twin, OtherTwin]],
    ['process-scope', [{ provide: Twin, useClass: Twin, scope: Scope.REQUEST }]],
  ])('%s', async (cause, providers) => {
    const inside = await container(...providers);
    expect(() => found(inside)).toThrow(expect.objectContaining({ code: `fledge.startup.${cause}` }));
    await inside.close();
  });

  it('with the name of a consumer', async () => {
    const inside = await container(Mails);
    expect(() => found(inside)).toThrow(expect.objectContaining({ code: 'fledge.startup.process-twice' }));
    await inside.close();
  });

  it('that reacts to an event of a module that is not in `uses`', async () => {
    const inside = await container(Twin);
    expect(() => found(inside, Other)).toThrow(
      expect.objectContaining({ code: 'fledge.startup.process-event-foreign' }),
    );
    expect(found(inside, Other, [Orders])).toMatchObject([{ name: 'twin', kind: 'event', takes: ['orders.placed'] }]);
    await inside.close();
  });

  it('that reacts to a class without @EventContract, as soon as it is declared', () => {
    expect(() => Starts(Plain, ({ orderId }) => orderId)(Twin.prototype, 'begin', {})).toThrow(
      expect.objectContaining({ code: 'fledge.startup.process-event' }),
    );
  });
});
