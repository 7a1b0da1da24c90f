import { type Application, BoundedModule, Host, LocalTransport, type NestHooks, QuietLogger } from '@fledge/kit';
import { defineContract, IsJsonValue, type JsonValue } from '@fledge/kit/contract';
import { testModule } from '@fledge/kit/testing';
import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import {
  type ArgumentsHost,
  BadRequestException,
  Body,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  HttpException,
  NotFoundException,
  type OnModuleDestroy,
  Post,
  UnprocessableEntityException,
  ValidationPipe,
  VersioningType,
} from '@nestjs/common';
import { IsInt } from 'class-validator';
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { map } from 'rxjs';

class Free {
  @IsJsonValue() json!: JsonValue;
}

class Tea {
  @IsInt() grams!: number;
}

@Controller({ path: 'teas', version: '2' })
class Teas {
  @Get() list(): string[] {
    return ['assam'];
  }
  @Post() brew(@Body() tea: Tea): Tea {
    return tea;
  }
  @Post('water') boil(@Body() body: unknown): object {
    return { body: body ?? null };
  }
  @Get('gone') gone(): never {
    throw new NotFoundException('no such tea');
  }
  @Get('errors') errors(): never {
    throw new HttpException({ errors: { leaves: ["can't be blank"] } }, 422);
  }
  @Get('coded') coded(): never {
    throw new BadRequestException({ message: { leaves: 'blank' }, error: 'LEAVES', statusCode: 400 });
  }
  @Post('free') free(@Body() { json }: Free): object {
    return { json };
  }
  @Get('list') list400(): never {
    throw new HttpException(['too hot', 'too strong'], 400);
  }
  @Get('empty') empty(): never {
    throw new HttpException(null as never, 502);
  }
  @Get('big') big(): never {
    throw new HttpException({ message: 'too big', size: 1n, code: 'KEPT', gone: undefined }, 502);
  }
  @Get('storage') storage(): never {
    throw Object.assign(new Error('bucket internal at 10.0.0.3'), { statusCode: 403, code: 'AccessDenied' });
  }
  @Get('text') text(): never {
    throw new HttpException('just text', 418);
  }
}

@Controller('cups')
class Cups {
  @Get() list(): string[] {
    return [];
  }
}

const TeasContract = defineContract({ name: 'teas', routes: ['/api/v2/teas'] });
const CupsContract = defineContract({ name: 'cups', routes: ['/api/cups'] });

let closed = 0;

@BoundedModule({ contract: TeasContract, controllers: [Teas] })
class TeasModule implements OnModuleDestroy {
  onModuleDestroy(): void {
    closed++;
  }
}

@BoundedModule({ contract: CupsContract, controllers: [Cups] })
class CupsModule {}

const PREFIXED: NestHooks = {
  beforeInit: (app) => {
    app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI });
    app.enableCors({ origin: 'https://tea.test' });
    app.enableShutdownHooks();
  },
};

/** A plugin for the whole server, as those of Fastify are. */
const stamped: FastifyPluginCallback = (fastify, _options, done) => {
  fastify.addHook('onSend', (_request, reply, payload, sent) => {
    void reply.header('x-plugin', 'yes');
    sent(null, payload);
  });
  done();
};
Object.assign(stamped, { [Symbol.for('skip-override')]: true });

@Catch(NotFoundException)
class GoneFilter implements ExceptionFilter {
  catch(error: NotFoundException, context: ArgumentsHost): void {
    void context.switchToHttp().getResponse<FastifyReply>().status(410).send({ gone: error.message });
  }
}

function host(application: Partial<Application> = {}, ofTeas?: NestHooks, modules = ['teas', 'cups']): Host {
  return new Host({
    application: {
      name: 'tea-house',
      modules: [
        { contract: TeasContract, load: () => Promise.resolve(TeasModule), nest: ofTeas },
        { contract: CupsContract, load: () => Promise.resolve(CupsModule) },
      ],
      nest: PREFIXED,
      ...application,
    },
    modules,
    transport: new LocalTransport(),
    http: { port: 0 },
    logger: new QuietLogger(),
  });
}

let running: Host | undefined;
/** Closes what else a test started. */
let after: (() => Promise<void>) | undefined;
afterEach(async () => {
  await running?.close();
  await after?.();
});

const start = async (...given: Parameters<typeof host>): Promise<Host> => (running = await host(...given).start());

async function http(path: string, init?: RequestInit): Promise<{ status: number; body: unknown; headers: Headers }> {
  const response = await fetch(`http://127.0.0.1:${running?.port}${path}`, init);
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text), headers: response.headers };
}

const post = (path: string, body: string | undefined, type = 'application/json'): ReturnType<typeof http> =>
  http(path, { method: 'POST', headers: { 'content-type': type }, body });

describe('the hooks of an application', () => {
  it('give every module the prefix and the versions, which its contract owns', async () => {
    await start();
    expect((await http('/api/v2/teas')).body).toEqual(['assam']);
    expect((await http('/api/cups')).body).toEqual([]);
    expect((await http('/teas')).status).toBe(404);
    const { body } = await http('/openapi.json');
    expect(Object.keys((body as { paths: object }).paths)).toEqual(
      expect.arrayContaining(['/api/v2/teas', '/api/cups']),
    );
  });

  it('refuse a route that the contract does not own with them', async () => {
    await expect(start({ nest: { beforeInit: (app) => void app.setGlobalPrefix('rest') } })).rejects.toMatchObject({
      code: 'fledge.startup.route-outside',
      message: expect.stringMatching(/^teas serves '\w+ \/rest\/teas/),
      hint: expect.stringContaining('["/api/v2/teas"]'),
    });
  });

  it('answer preflights', async () => {
    await start();
    const { status, headers } = await http('/api/v2/teas', {
      method: 'OPTIONS',
      headers: { origin: 'https://tea.test', 'access-control-request-method': 'POST' },
    });
    expect(status).toBe(204);
    // the route for preflights makes no path one that is served
    expect((await http('/api/cups/none')).status).toBe(404);
    expect((await http('/api/cups', { method: 'DELETE' })).status).toBe(405);
    expect(headers.get('access-control-allow-origin')).toBe('https://tea.test');
    expect(
      (await http('/api/cups', { headers: { origin: 'https://tea.test' } })).headers.get('access-control-allow-origin'),
    ).toBe('https://tea.test');
  });

  it('answer 404 where the version does not fit', async () => {
    await start(
      {
        nest: {
          beforeInit: (app) =>
            void app.setGlobalPrefix('api/v2').enableVersioning({ type: VersioningType.HEADER, header: 'x-version' }),
        },
        modules: [{ contract: TeasContract, load: () => Promise.resolve(TeasModule) }],
      },
      undefined,
      ['teas'],
    );
    expect((await http('/api/v2/teas', { headers: { 'x-version': '2' } })).status).toBe(200);
    expect((await http('/api/v2/teas', { headers: { 'x-version': '3' } })).status).toBe(404);
  });

  it('run for all modules and then for one, before and after init', async () => {
    const order: string[] = [];
    const note = (what: string): NestHooks => ({
      beforeInit: (_app, module) => void order.push(`${what} before ${module}`),
      afterInit: (app, module) => void order.push(`${what} after ${module} ${typeof app.getHttpAdapter()}`),
    });
    const all = note('all');
    await start(
      {
        nest: {
          beforeInit: async (app, module) => {
            await PREFIXED.beforeInit?.(app, module);
            await all.beforeInit?.(app, module);
          },
          afterInit: all.afterInit,
        },
      },
      note('one'),
    );
    expect(order).toEqual([
      'all before teas',
      'one before teas',
      'all before cups',
      'all after teas object',
      'one after teas object',
      'all after cups object',
    ]);
  });

  it("take the kit's validation, or a pipe of their own in its place", async () => {
    await start();
    expect((await post('/api/v2/teas', '{"grams":3}')).body).toEqual({ grams: 3 });
    expect((await post('/api/v2/teas', '{"grams":"x"}')).body).toMatchObject({
      code: 'fledge.invalid-request',
      violations: [{ path: 'grams' }],
    });
    await running?.close();
    await start(undefined, {
      beforeInit: (app) =>
        void app.useGlobalPipes(
          new ValidationPipe({ exceptionFactory: () => new UnprocessableEntityException({ errors: ['grams'] }) }),
        ),
    });
    expect(await post('/api/v2/teas', '{"grams":"x"}')).toMatchObject({
      status: 422,
      body: { data: { errors: ['grams'] } },
    });
    // an unknown field is that pipe's to judge, a NUL is not
    expect((await post('/api/v2/teas', '{"grams":3,"more":1}')).status).toBe(201);
    expect((await post('/api/v2/teas', `${'['.repeat(50_000)}${']'.repeat(50_000)}`)).status).toBe(400);
    expect((await post('/api/v2/teas/water', '{"a":"\\u0000"}')).body).toMatchObject({ violations: [{ rule: 'nul' }] });
  });

  it('take other types of bodies by asking', async () => {
    await start();
    expect((await post('/api/v2/teas/water', 'a=1', 'application/x-www-form-urlencoded')).status).toBe(415);
    expect((await post('/api/v2/teas/water', 'a', 'text/plain')).status).toBe(415);
    await running?.close();
    await start(undefined, {
      beforeInit: (app) => {
        app.useBodyParser('application/x-www-form-urlencoded');
        app.useBodyParser('text/plain', {}, (_request, body, done) => done(null, { text: String(body) }));
      },
    });
    expect((await post('/api/v2/teas/water', 'a=1', 'application/x-www-form-urlencoded')).body).toEqual({
      body: { a: '1' },
    });
    expect((await post('/api/v2/teas/water', 'a', 'text/plain')).body).toEqual({ body: { text: 'a' } });
    expect((await post('/api/v2/teas/water', '{"b":2}')).body).toEqual({ body: { b: 2 } });
  });

  it('add filters, guards, interceptors, middleware and plugins', async () => {
    await start(undefined, {
      beforeInit: async (app) => {
        app.useGlobalFilters(new GoneFilter());
        app.useGlobalGuards({
          canActivate: (context) => context.switchToHttp().getRequest<FastifyRequest>().headers.barred === undefined,
        });
        app.useGlobalInterceptors({
          intercept: (_context, next) => next.handle().pipe(map((value: unknown) => ({ value }))),
        });
        app.use((_request: unknown, response: ServerResponse, next: () => void) => {
          response.setHeader('x-middleware', 'yes');
          next();
        });
        // its types are of the release of Fastify that the kit has; Nest's adapter may bring another one
        await app.register(stamped as never);
      },
    });
    const { body, headers } = await http('/api/v2/teas');
    expect(body).toEqual({ value: ['assam'] });
    expect([headers.get('x-middleware'), headers.get('x-plugin')]).toEqual(['yes', 'yes']);
    expect((await http('/api/v2/teas', { headers: { barred: '1' } })).status).toBe(403);
    expect(await http('/api/v2/teas/gone')).toMatchObject({ status: 410, body: { gone: 'no such tea' } });
  });

  it('lose no key of free JSON: what would be lost is refused', async () => {
    await start();
    const free = (json: unknown): ReturnType<typeof http> => post('/api/v2/teas/free', JSON.stringify({ json }));
    const json = { a: [1, null, { then: 'x', toJSON: 1 }], '': true };
    expect((await free(json)).body).toEqual({ json });
    expect((await free({ list: [{ constructor: 1 }] })).body).toMatchObject({
      violations: [
        { path: 'json.list[0].constructor', rule: 'reserved-name', message: 'must not be named constructor' },
      ],
    });
    expect((await free({ 'a\0': 1 })).body).toMatchObject({ violations: [{ rule: 'nul' }] });
    // without a class nothing is lost
    expect((await post('/api/v2/teas/water', '{"constructor":1}')).body).toEqual({ body: { constructor: 1 } });
  });

  it('do not change that an empty body of JSON is an empty body', async () => {
    await start();
    expect(await post('/api/v2/teas/water', undefined)).toMatchObject({ status: 201, body: { body: null } });
    expect(await post('/api/v2/teas/water', '')).toMatchObject({ status: 201, body: { body: null } });
    // in pieces, so that its length is not known before its end
    const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
    const request = httpRequest(`http://127.0.0.1:${running?.port}/api/v2/teas/water`, {
      method: 'POST',
      headers,
    }).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(201);
    expect(await post('/api/v2/teas', '')).toMatchObject({ status: 400, body: { violations: [{ path: 'grams' }] } });
  });

  it.each(['listen', 'init'] as const)('may not call %s, which is for the host', async (method) => {
    const nest: NestHooks = { beforeInit: (app) => void app[method](0 as never) };
    await expect(start(undefined, nest)).rejects.toMatchObject({
      code: 'fledge.startup.nest-hook',
      message: `a hook for teas calls app.${method}()`,
    });
  });

  it.each(['listen', 'close', 'useGlobalPipes', 'setGlobalPrefix'] as const)(
    'may not call %s after init',
    async (method) => {
      const nest: NestHooks = { afterInit: (app) => void app[method]('x' as never) };
      await expect(start(undefined, nest)).rejects.toMatchObject({ message: `a hook for teas calls app.${method}()` });
    },
  );

  it('close what was made when they fail', async () => {
    const failing: NestHooks = { beforeInit: () => Promise.reject(new Error('no')) };
    closed = 0;
    await expect(start(undefined, failing)).rejects.toMatchObject({ code: 'fledge.startup.nest-hook' });
    expect(closed).toBe(1);
  });

  it('stop the start when they fail, and say for which module', async () => {
    const cause = new Error('no certificate');
    await expect(start(undefined, { afterInit: () => Promise.reject(cause) })).rejects.toMatchObject({
      code: 'fledge.startup.nest-hook',
      message: "the hook 'afterInit' failed for teas: no certificate",
      cause,
    });
  });
});

describe('an exception of the application', () => {
  it('is a problem that loses no field', async () => {
    await start();
    expect((await http('/api/v2/teas/errors')).body).toMatchObject({
      type: 'urn:problem:fledge.http-422',
      status: 422,
      data: { errors: { leaves: ["can't be blank"] } },
    });
    expect((await http('/api/v2/teas/coded')).body).toMatchObject({
      status: 400,
      data: { message: { leaves: 'blank' }, error: 'LEAVES' },
    });
    expect((await http('/api/v2/teas/gone')).body).not.toHaveProperty('data');
    expect(await http('/api/v2/teas/empty')).toMatchObject({ status: 502, body: { status: 502 } });
    expect(await http('/api/v2/teas/big')).toMatchObject({
      status: 502,
      body: { detail: 'too big', data: { code: 'KEPT' } },
    });
    expect((await http('/api/v2/teas/list')).body).toMatchObject({ detail: 'too hot; too strong' });
  });

  it('of another library is no answer to a client, whatever status it has', async () => {
    await start();
    const { status, body } = await http('/api/v2/teas/storage');
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain('bucket');
  });

  it('is answered as Nest does where the application says so', async () => {
    await start({ problems: 'own' });
    const { body, headers } = await http('/api/v2/teas/errors');
    expect(body).toEqual({ errors: { leaves: ["can't be blank"] } });
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(await http('/api/v2/teas/gone')).toMatchObject({
      status: 404,
      body: { statusCode: 404, message: 'no such tea', error: 'Not Found' },
    });
    expect(await http('/api/v2/teas/text')).toMatchObject({
      status: 418,
      body: { statusCode: 418, message: 'just text' },
    });
    expect(await http('/api/v2/teas/empty')).toMatchObject({ status: 502, body: { statusCode: 502, message: null } });
    // what the kit refuses stays a problem
    expect((await post('/api/v2/teas', '{}')).body).toMatchObject({ code: 'fledge.invalid-request' });
  });
});

it('refuses a way of answering that there is not', async () => {
  await expect(start({ problems: 'ownn' as 'own' })).rejects.toMatchObject({
    code: 'fledge.startup.problems',
    message: 'the application tea-house says problems: "ownn"',
  });
});

it('are given to a module that is tested alone', async () => {
  const tested = await testModule(TeasModule, { nest: [PREFIXED], problems: 'own' });
  after = () => tested.close();
  expect((await tested.request('GET', '/api/v2/teas')).body).toEqual(['assam']);
  expect((await tested.request('GET', '/api/v2/teas/errors')).body).toEqual({ errors: { leaves: ["can't be blank"] } });
});
