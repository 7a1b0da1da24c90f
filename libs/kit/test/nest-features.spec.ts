import { Host, LocalTransport } from '@fledge/kit';
import { eventually } from '@fledge/kit/testing';
import { ModuleRef } from '@nestjs/core';
import { CommandBus, EventBus, EventPublisher, QueryBus } from '@nestjs/cqrs';
import { CoffeeContract, CoffeeCup, CoffeeModule } from './nest-features/coffee.module.js';
import { Cooled, Pot, Pour, Stir, Taste } from './nest-features/handlers.js';
import { journal } from './nest-features/journal.js';
import { Brewery } from './nest-features/providers.js';
import { TeaContract, TeaModule } from './nest-features/tea.module.js';

describe('stock Nest inside a bounded module', () => {
  let host: Host;
  let closed = false;

  beforeAll(async () => {
    host = await new Host({
      application: {
        name: 'drinks',
        modules: [
          { contract: TeaContract, load: () => Promise.resolve(TeaModule) },
          { contract: CoffeeContract, load: () => Promise.resolve(CoffeeModule) },
        ],
      },
      modules: ['tea', 'coffee'],
      transport: new LocalTransport(),
      http: { port: 0 },
    }).start();
  });
  afterAll(async () => {
    if (!closed) await host.close();
  });
  afterEach(() => void journal.splice(0));

  const http = async (
    path: string,
    init?: RequestInit,
  ): Promise<{ status: number; body: unknown; headers: Headers }> => {
    const response = await fetch(`http://127.0.0.1:${host.port}${path}`, { redirect: 'manual', ...init });
    const text = await response.text();
    return {
      status: response.status,
      body: text.startsWith('{') ? (JSON.parse(text) as unknown) : text,
      headers: response.headers,
    };
  };

  it('runs onModuleInit and onApplicationBootstrap, in order, after async providers are ready', () => {
    expect(journal).toEqual(['made', 'onModuleInit', 'onApplicationBootstrap']);
  });

  it('injects factories, aliases, sub-modules, global and dynamic modules', async () => {
    expect((await http('/tea/blend')).body).toEqual({
      async: 'async brewery',
      sameBrewery: true,
      everywhere: 'everywhere',
      registered: 'registered',
      depth: 7,
    });
  });

  it('creates request-scoped providers for each request', async () => {
    const [first, second] = [(await http('/tea/scoped?a=1')).body, (await http('/tea/scoped?a=2')).body] as {
      number: number;
      url: string;
    }[];
    expect(first?.url).toBe('/tea/scoped?a=1');
    expect(second?.url).toBe('/tea/scoped?a=2');
    expect(second?.number).toBeGreaterThan(first?.number ?? Infinity);
  });

  it('runs guards, of the module and of a route', async () => {
    expect((await http('/tea/blend', { headers: { 'x-door': 'closed' } })).status).toBe(403);
    expect(await http('/tea/forbidden')).toMatchObject({ status: 403, body: { detail: 'nobody may' } });
  });

  it('runs interceptors, of the module around those of a route', async () => {
    expect((await http('/tea/shout')).body).toEqual({ wrapped: { wrap: true, shouted: true } });
  });

  it('runs pipes, of the module and of a parameter', async () => {
    expect((await http('/tea/trim/%20x%20')).body).toEqual({ text: 'x' });
    expect((await http('/tea/cup/3')).body).toEqual({ size: 3 });
    expect(await http('/tea/cup/big')).toMatchObject({
      status: 400,
      body: { detail: 'Validation failed (numeric string is expected)' },
    });
  });

  it('lets exception filters respond, of a route and of the module', async () => {
    expect(await http('/tea/spill')).toMatchObject({ status: 418, body: { spilled: 'on the table' } });
    // The kit's own filter, which catches everything, once ran before a module's APP_FILTER.
    expect(await http('/tea/burn')).toMatchObject({ status: 420, body: { burnt: 'by the kettle' } });
  });

  // The stock bus accepts a plain object and notifies nobody; for null it throws a bare TypeError.
  it.each([
    [null, 'null'],
    [{ by: 'x' }, 'a plain object'],
    [Cooled, 'the class or function Cooled itself'],
  ])('refuses to publish something that is not an event: %p', (event, named) => {
    const events = host.module('tea').get(EventBus);
    const refusal = expect.objectContaining({
      code: 'fledge.not-a-message',
      message: `tea called eventBus.publish with ${named}, which is no message`,
    }) as Error;
    expect(() => void events.publish(event as object)).toThrow(refusal);
    expect(() => events.publishAll([new Cooled('first'), event as object])).toThrow(refusal);
    expect(journal).toEqual([]);
  });

  it('runs middleware with its injected providers, within the call', async () => {
    // Middleware once ran before its request's context was opened.
    expect((await http('/tea/blend')).headers.get('x-stamp')).toBe('brewery http');
    expect((await http('/tea/shout')).headers.get('x-stamp')).toBeNull();
  });

  it('supports the other decorators of controllers', async () => {
    const posted = await http('/tea', {
      method: 'POST',
      body: JSON.stringify({ name: 'x', count: 1 }),
      headers: { 'content-type': 'application/json' },
    });
    expect(posted).toMatchObject({ status: 202, body: { isOrder: true } });
    expect(posted.headers.get('x-kettle')).toBe('on');
    expect(await http('/tea/old')).toMatchObject({ status: 302 });
    expect(await http('/tea/file')).toMatchObject({ status: 200, body: 'leaves' });
  });

  it('serves controllers under a prefix of the RouterModule, which counts as the path that the contract owns', async () => {
    expect(await http('/tea/admin/list')).toMatchObject({ status: 200, body: { routed: true } });
  });

  it('keeps all of this within its module', async () => {
    expect((await http('/coffee', { headers: { 'x-door': 'closed' } })).body).toEqual({ wrap: true });
    expect((await http('/coffee/burn')).status).toBe(500);
    expect(() => host.module('coffee').get(ModuleRef).get(Brewery, { strict: false })).toThrow();
  });

  it("handles private commands on the stock bus, in the caller's context", async () => {
    expect(await host.module('tea').get(CommandBus).execute(new Stir(2))).toBe('stirred 2 times in no call');
  });

  it('creates a request-scoped contract handler for each message, from either side of the boundary', async () => {
    const [near, far] = [host.module('tea').get(CommandBus), host.module('coffee').get(CommandBus)];
    const first = await far.execute(new Pour({ into: 'cup' }));
    expect(first).toMatch(/^cup, spoon \d+, stirred 3 times in coffee$/);
    expect(await far.execute(new Pour({ into: 'cup' }))).not.toBe(first);
    expect(await near.execute(new Pour({ into: 'mug' }))).toMatch(/^mug, spoon \d+, stirred 3 times in no call$/);
  });

  it('accepts a handler that a factory made', async () => {
    expect(await host.module('coffee').get(QueryBus).execute(new Taste())).toBe('malt');
  });

  it('carries private events over the stock bus, with handlers, sagas and aggregates', async () => {
    const app = host.module('tea');
    app.get(EventBus).publish(new Cooled('hand'));
    await eventually(() => expect(journal).toEqual(['cooled by hand', 'reheated after hand']), 'the saga');
    const pot = app.get(EventPublisher).mergeObjectContext(new Pot());
    pot.cool();
    pot.commit();
    await eventually(() => expect(journal).toContain('reheated after a pot'), 'the saga of the aggregate');
  });

  // @nestjs/cqrs keeps one list of @Publishable classes per process; the first container that starts takes all of it,
  // and the list is not exported. Until the kit has its own event bus, EventPublisher (above) is the way that works in
  // every topology.
  it.failing("publishes the events of a @Publishable aggregate on its own module's bus", async () => {
    new CoffeeCup().cool();
    await eventually(
      () => expect(journal.filter((entry) => entry.includes('coffee'))).toEqual(['coffee saw a cup of coffee']),
      'the event of the coffee cup',
      500,
    );
  });

  it('runs the shutdown hooks in order on close()', async () => {
    closed = true;
    await host.close();
    expect(journal).toEqual(['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown']);
  });
});
