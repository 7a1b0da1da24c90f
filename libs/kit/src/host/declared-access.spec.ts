import 'reflect-metadata';
import { type CanActivate, Controller, Get, Injectable, Module, Post } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler, type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { BoundedModule } from '../bus/index.js';
import { CommandContract, defineContract, QueryContract, StartupError } from '../contract/index.js';
import { Authentication, Public, Roles } from '../security/index.js';
import { testApplication } from '../testing/index.js';
import { LocalTransport } from '../transport/index.js';
import type { Application } from './application.js';
import { Host } from './host.js';

@CommandContract('desk.open.v1')
class Open extends Command<void> {}
@QueryContract('desk.count.v1', { result: Number, access: { identity: 'optional' } })
class Count extends Query<number> {}

@CommandHandler(Open)
class OpenHandler implements ICommandHandler<Open> {
  async execute(): Promise<void> {}
}
@QueryHandler(Count)
class CountHandler implements IQueryHandler<Count> {
  async execute(): Promise<number> {
    return 1;
  }
}

@Controller('desk')
class DeskController {
  @Get('open') @Public() open(): string {
    return 'open';
  }
  @Get('closed') closed(): string {
    return 'closed';
  }
  @Post() @Roles('clerk') roles(): string {
    return 'roles';
  }
}
/** Of a Nest module that the bounded one imports. */
@Controller('desk/inner')
class InnerController {
  @Get(':id') one(): string {
    return 'one';
  }
}
@Module({ controllers: [InnerController] })
class InnerModule {}

const DeskContract = defineContract({ name: 'desk', commands: [Open], queries: [Count], routes: ['/desk'] });
@BoundedModule({
  contract: DeskContract,
  providers: [OpenHandler, CountHandler],
  controllers: [DeskController],
  imports: [InnerModule],
})
class DeskModule {}

@Injectable()
class AnyGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}
const GuardedContract = defineContract({ name: 'guarded', routes: ['/desk'] });
@BoundedModule({
  contract: GuardedContract,
  controllers: [DeskController],
  imports: [InnerModule, Authentication.by(AnyGuard)],
})
class GuardedModule {}

@QueryContract('odd.ask.v1', { result: Number, access: { identity: 'optional', callers: ['dsek'] } })
class Ask extends Query<number> {}
@QueryHandler(Ask)
class AskHandler implements IQueryHandler<Ask> {
  async execute(): Promise<number> {
    return 1;
  }
}
const OddContract = defineContract({ name: 'odd', queries: [Ask] });
@BoundedModule({ contract: OddContract, providers: [AskHandler] })
class OddModule {}

const MODULES = {
  desk: { contract: DeskContract, load: () => Promise.resolve(DeskModule) },
  guarded: { contract: GuardedContract, load: () => Promise.resolve(GuardedModule) },
  odd: { contract: OddContract, load: () => Promise.resolve(OddModule) },
};

async function failureOf(access: Application['access'], name: keyof typeof MODULES): Promise<StartupError | undefined> {
  const application: Application = { name: 'office', modules: [MODULES[name]], ...(access && { access }) };
  const host = new Host({ application, modules: [name], transport: new LocalTransport(), http: { port: 0 } });
  const failure: unknown = await host.start().then(
    () => undefined,
    (error: unknown) => error,
  );
  await host.close();
  if (failure instanceof Error && !(failure instanceof StartupError)) throw failure;
  return failure as StartupError | undefined;
}

describe("an application with access: 'declared'", () => {
  it('does not start with messages or routes without a rule, and names all of them', async () => {
    const error = await failureOf('declared', 'desk');
    expect(error?.code).toBe('fledge.startup.access-undeclared');
    expect(error?.data.undeclared).toEqual([
      "desk: the command 'desk.open.v1' of Open",
      'desk: DeskController.closed, the route GET /desk/closed',
      // nobody finds out who acts, so that roles could not hold
      'desk: DeskController.roles, the route POST /desk',
      'desk: InnerController.one, the route GET /desk/inner/:id',
    ]);
    expect(error?.message).toContain('these 4:\n  desk: the command');
    expect(error?.hint).toContain("access: 'open'");
  });

  it('takes Authentication as the rule of every route', async () => {
    expect(await failureOf('declared', 'guarded')).toBeUndefined();
  });

  it('refuses a rule that names a module which the application does not have', async () => {
    expect(await failureOf('declared', 'odd')).toMatchObject({
      code: 'fledge.startup.access-callers',
      message: "'odd.ask.v1' may be sent by 'dsek', and the application office has no module of that name",
    });
  });
});

it('starts without rules where the application says so, or a host is made by hand', async () => {
  expect(await failureOf('open', 'desk')).toBeUndefined();
  expect(await failureOf(undefined, 'desk')).toBeUndefined();
  expect(await failureOf('closed' as 'open', 'desk')).toMatchObject({ code: 'fledge.startup.access-mode' });
});

it('is the default where an application is tested as a whole', async () => {
  const application: Application = { name: 'office', modules: [MODULES.desk] };
  const topology = { services: { all: { modules: ['desk'] } } };
  await expect(testApplication(application, { topology }).start()).rejects.toMatchObject({
    code: 'fledge.startup.access-undeclared',
  });
  const app = await testApplication({ ...application, access: 'open' }, { topology }).start();
  await app.close();
});
