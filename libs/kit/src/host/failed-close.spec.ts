import { Controller, Get, Injectable, type OnModuleDestroy, type Type } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { BoundedModule, type BoundedModuleOptions } from '../bus/index.js';
import { CommandContract, defineContract } from '../contract/index.js';
import { LocalTransport } from '../transport/index.js';
import { Host } from './host.js';
import { QuietLogger } from './quiet-logger.js';

@CommandContract('stove.light.v1')
class Light extends Command<void> {}

@CommandHandler(Light)
class LightHandler implements ICommandHandler<Light> {
  async execute(): Promise<void> {}
}

const Sink = defineContract({ name: 'sink', routes: ['/sink'] });
const Stove = defineContract({ name: 'stove', commands: [Light], routes: ['/sink/:bowl/stove'] });

const closed: string[] = [];

@Injectable()
class Tap implements OnModuleDestroy {
  onModuleDestroy(): void {
    closed.push('tap');
  }
}

@Injectable()
class Leak implements OnModuleDestroy {
  onModuleDestroy(): void {
    closed.push('leak');
    throw new Error('it drips');
  }
}

function moduleOf(options: BoundedModuleOptions): Type {
  class AModule {}
  BoundedModule(options)(AModule);
  return AModule;
}

function hostOf(sink: Type, ...others: [typeof Stove, Type][]): Host {
  const modules = [[Sink, sink] as const, ...others].map(([contract, cls]) => ({
    contract,
    load: () => Promise.resolve(cls),
  }));
  return new Host({
    application: { name: 'kitchen', modules },
    modules: modules.map(({ contract }) => contract.name),
    transport: new LocalTransport(),
    logger: new QuietLogger(),
  });
}

beforeEach(() => closed.splice(0));

it('closes the providers of a module that fails while it is connected to the boundary', async () => {
  const host = hostOf(moduleOf({ contract: Sink, providers: [Tap] }), [
    Stove,
    moduleOf({ contract: Stove, providers: [Leak] }),
  ]);
  // what fails while it is undone does not hide the reason
  await expect(host.start()).rejects.toMatchObject({ code: 'fledge.startup.handler-missing' });
  expect(closed.sort()).toEqual(['leak', 'tap']);
});

it('closes everything when the close of one part fails, and fails then', async () => {
  const transport = new LocalTransport();
  let isClosed = false;
  transport.close = () => Promise.resolve(void (isClosed = true));
  const host = new Host({
    application: {
      name: 'kitchen',
      modules: [{ contract: Sink, load: () => Promise.resolve(moduleOf({ contract: Sink, providers: [Leak] })) }],
    },
    modules: ['sink'],
    transport,
    logger: new QuietLogger(),
  });
  await host.start();
  transport.messageLog.stop = () => Promise.reject(new Error('it does not stop'));
  await expect(host.close()).rejects.toThrow('it does not stop');
  expect(closed).toEqual(['leak']);
  expect(isClosed).toBe(true);
});

@Controller('sink')
class SinkController {
  @Get('left/stove') stove(): string {
    return 'never asked';
  }
}

it("refuses a route whose requests go to another module's longer path", async () => {
  const host = hostOf(moduleOf({ contract: Sink, controllers: [SinkController] }), [
    Stove,
    moduleOf({ contract: Stove, providers: [LightHandler] }),
  ]);
  await expect(host.start()).rejects.toMatchObject({
    code: 'fledge.startup.route-outside',
    message: "sink serves 'GET /sink/left/stove', whose requests go to stove by the `routes` of its contract",
  });
});
