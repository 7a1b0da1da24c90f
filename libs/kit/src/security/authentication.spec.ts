import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Inject,
  Injectable,
  Module,
  Scope,
} from '@nestjs/common';
import { REQUEST, Reflector } from '@nestjs/core';
import { Query, type IQueryHandler, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { NatsTransport } from '@fledge/nats';
import type { FastifyRequest } from 'fastify';
import { exportJWK, generateKeyPair, type GenerateKeyPairResult, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import {
  currentCall,
  currentContext,
  CallContext,
  type Identity,
  now,
  RequestContext,
  runInContext,
  withCallOptions,
} from '../boundary/index.js';
import { BoundedModule } from '../bus/index.js';
import { defineContract, QueryContract, SigningKeys } from '../contract/index.js';
import { Unauthenticated } from '../http/index.js';
import { Host } from '../host/index.js';
import { LocalTransport, type Transport } from '../transport/index.js';
import { AccessGuard, Authentication, AuthenticationGuard, CurrentUser, identify, Public, Roles } from './index.js';
import { KeyRing } from './key-ring.js';
import { testModule, type TestedModule, testNatsUrl } from '../testing/index.js';

@QueryContract('accounts.keys.v1', { result: SigningKeys })
class GetKeys extends Query<SigningKeys> {}

const AccountsContract = defineContract({ name: 'accounts', queries: [GetKeys] });
const OfficeContract = defineContract({ name: 'office', routes: ['/office'] });

/** The issuer's public keys, and how often they were asked for. */
let published: SigningKeys;
let asked = 0;

@QueryHandler(GetKeys)
class GetKeysHandler implements IQueryHandler<GetKeys> {
  execute(): Promise<SigningKeys> {
    asked++;
    return Promise.resolve(published);
  }
}

@BoundedModule({ contract: AccountsContract, providers: [GetKeysHandler] })
class AccountsModule {}

@Controller('office')
class OfficeController {
  @Get() me(@CurrentUser() user: Identity): Identity {
    return user;
  }
  @Get('open') @Public() open(): { open: boolean } {
    return { open: true };
  }
  @Get('safe') @Roles('clerk', 'head') safe(): { safe: boolean } {
    return { safe: true };
  }
}

class Greeting {
  @Get() hello(): { hello: boolean } {
    return { hello: true };
  }
}
@Controller('office/outside')
@Public()
class OutsideController extends Greeting {}
@Controller('office/inside')
class InsideController extends Greeting {}

@BoundedModule({
  contract: OfficeContract,
  uses: [AccountsContract],
  imports: [Authentication.verifiedBy(GetKeys)],
  controllers: [OfficeController, OutsideController, InsideController],
})
class OfficeModule {}

const application = {
  name: 'security',
  modules: [
    { contract: AccountsContract, load: () => Promise.resolve(AccountsModule) },
    { contract: OfficeContract, load: () => Promise.resolve(OfficeModule) },
  ],
};

let host: Host;
let issuer: GenerateKeyPairResult;
let stranger: GenerateKeyPairResult;

beforeAll(async () => {
  [issuer, stranger] = await Promise.all([generateKeyPair('EdDSA', { extractable: true }), generateKeyPair('EdDSA')]);
  const { x } = await exportJWK(issuer.publicKey);
  published = new SigningKeys({
    keys: [{ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid: 'k1', x: x as string }],
  });
});
// A host for each test, since it remembers the keys.
beforeEach(async () => {
  asked = 0;
  host = await new Host({
    application,
    modules: ['accounts', 'office'],
    transport: new LocalTransport(),
    http: { port: 0 },
  }).start();
});
afterEach(() => host?.close());

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1_000) + seconds;
const valid: JWTPayload = { sub: 'u-1', roles: ['clerk'], exp: inSeconds(600) };
const signed = (claims: JWTPayload, { kid = 'k1', key = issuer } = {}): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', kid }).sign(key.privateKey);

async function get(path: string, authorization?: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://127.0.0.1:${host.port}${path}`, {
    headers: authorization === undefined ? {} : { authorization },
  });
  return { status: response.status, body: await response.json() };
}

it('lets a user in by a token, as who it says', async () => {
  const token = await signed(valid);
  expect(await get('/office', `Bearer ${token}`)).toEqual({ status: 200, body: { subject: 'u-1', roles: ['clerk'] } });
  expect(await get('/office', `bearer ${token}`)).toMatchObject({ status: 200 });
  expect(asked).toBe(1);
});

// Only what was public was open to resolvers and to messages of gateways, whatever token their client had sent.
describe('the guard of a way in that is not HTTP', () => {
  const handle = async (context: CallContext): Promise<CallContext> => {
    const guard = new AuthenticationGuard(new Reflector(), new KeyRing({ ask: () => Promise.resolve(published) }));
    const resolver = {
      getType: () => 'graphql',
      getHandler: () => OfficeController.prototype.me,
      getClass: () => OfficeController,
    } as unknown as ExecutionContext;
    expect(await runInContext(context, async () => guard.canActivate(resolver))).toBe(true);
    return context;
  };
  const request = (authorization?: string): RequestContext =>
    new RequestContext('office', now() + 60_000, undefined, authorization, 'ws');

  it('verifies the token that the client came with', async () => {
    const authorization = `Bearer ${await signed(valid)}`;
    expect((await handle(request(authorization))).identity).toEqual({ subject: 'u-1', roles: ['clerk'] });
    const late = `Bearer ${await signed({ ...valid, exp: inSeconds(-60) })}`;
    await expect(handle(request(late))).rejects.toThrow('the token is not valid or has expired');
    await expect(handle(request())).rejects.toThrow('authenticated user');
  });

  it('keeps who acts, if it is said already', async () => {
    const identity: Identity = { subject: 'u-2', roles: [] };
    const context = request('Bearer none');
    context.identity = identity;
    expect((await handle(context)).identity).toBe(identity);
    const pattern = new CallContext('office', 'desk', Infinity, identity, undefined, undefined);
    expect((await handle(pattern)).identity).toBe(identity);
  });
});

it('reads only a list of texts as roles', async () => {
  const rolesOf = async (roles: unknown): Promise<unknown> =>
    (await get('/office', `Bearer ${await signed({ ...valid, roles })}`)).body;
  expect(await rolesOf('clerk')).toMatchObject({ roles: [] });
  expect(await rolesOf(['a', 1, null, 'b'])).toMatchObject({ roles: ['a', 'b'] });
});

it('shows what is public to everyone, but not with a token that is wrong', async () => {
  expect(await get('/office/open')).toMatchObject({ status: 200 });
  expect(await get('/office/open', 'Bearer nonsense')).toMatchObject({ status: 401 });
});

it('tells controllers apart that inherit one method', async () => {
  for (const [path, status] of [
    ['outside', 200],
    ['inside', 401],
    ['outside', 200],
  ] as const)
    expect(await get(`/office/${path}`)).toMatchObject({ status });
});

it('asks for one of the roles', async () => {
  expect(await get('/office/safe', `Bearer ${await signed({ ...valid, roles: ['head'] })}`)).toMatchObject({
    status: 200,
  });
  expect(await get('/office/safe', `Bearer ${await signed({ ...valid, roles: ['guest'] })}`)).toMatchObject({
    status: 403,
    body: { code: 'fledge.forbidden' },
  });
});

it.each<[string, () => string | Promise<string | undefined> | undefined, string]>([
  ['no token', () => undefined, 'has no token'],
  ['a token that has expired', () => signed({ ...valid, exp: inSeconds(-60) }), 'the token is not valid'],
  ['a token that is not valid yet', () => signed({ ...valid, nbf: inSeconds(60) }), 'the token is not valid'],
  ['a token that never expires', () => signed({ sub: 'u-1' }), 'the token is not valid'],
  ['a token of nobody', () => signed({ exp: inSeconds(60) }), 'the token is not valid'],
  ["another's signature under our key's name", () => signed(valid, { key: stranger }), 'the token is not valid'],
  ['a key that the issuer does not have', () => signed(valid, { kid: 'k2', key: stranger }), 'the token is not valid'],
  ['no signature', () => new UnsecuredJWT(valid).encode(), 'the token is not valid'],
  [
    'the public key as a secret',
    () =>
      new SignJWT(valid)
        .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
        .sign(Buffer.from(published.keys[0]?.x ?? '', 'base64url')),
    'the token is not valid',
  ],
  ['garbage', () => 'garbage', 'the token is not valid'],
])('refuses %s', async (_, tokenOf, detail) => {
  const token = await tokenOf();
  const { status, body } = await get('/office', token && `Bearer ${token}`);
  expect(status).toBe(401);
  expect(body).toMatchObject({ code: 'fledge.unauthenticated', detail: expect.stringContaining(detail) as string });
});

it('a reader that goes away does not take the keys from those who wait for them too', async () => {
  let answer = (): void => undefined;
  const ring = new KeyRing({
    ask: () =>
      new Promise((resolve, reject) => {
        answer = () => resolve(published);
        currentContext()?.hold({ cancel: () => reject(new Error('the question was cancelled')) });
      }),
  });
  const [hasty, patient] = [1, 2].map(
    () => new CallContext('office', 'http', now() + 1_000, undefined, undefined, undefined),
  ) as [CallContext, CallContext];
  const found = [hasty, patient].map((context) => runInContext(context, () => ring.find('k1')));
  hasty.cancel();
  answer();
  expect(await Promise.all(found)).toEqual([expect.anything(), expect.anything()]);
});

describe('authentication by a guard of the application', () => {
  let tested: TestedModule | undefined;
  afterEach(() => tested?.close());

  const SESSIONS: Readonly<Record<string, Identity>> = {
    anna: { subject: 'anna', roles: ['clerk'] },
    bert: { subject: 'bert', roles: [] },
    odd: { subject: '', roles: [] },
  };

  @Injectable()
  class SessionGuard implements CanActivate {
    // a guard of stock Nest injects what it likes
    constructor(@Inject('sessions') private readonly sessions: typeof SESSIONS) {}

    canActivate(context: ExecutionContext): boolean {
      const session = context.switchToHttp().getRequest<FastifyRequest>().headers['x-session'];
      if (session === undefined) return true;
      const identity = this.sessions[String(session)];
      if (identity === undefined) throw new Unauthenticated('the session is over');
      identify(identity);
      return true;
    }
  }

  /** Made for each request, since it injects one. */
  @Injectable({ scope: Scope.REQUEST })
  class RequestGuard implements CanActivate {
    constructor(@Inject(REQUEST) private readonly request: FastifyRequest) {}

    async canActivate(): Promise<boolean> {
      const session = String(this.request.headers['x-session'] ?? '');
      const identity = SESSIONS[session];
      if (session === 'within') await withCallOptions({}, async () => identify({ subject: 'x', roles: [] }));
      if (identity) identify(identity);
      return true;
    }
  }

  @Module({ providers: [{ provide: 'sessions', useValue: SESSIONS }], exports: ['sessions'] })
  class SessionsModule {}

  @QueryContract('diary.who.v1', { result: String })
  class Who extends Query<string> {}

  @QueryHandler(Who)
  class WhoHandler implements IQueryHandler<Who> {
    execute(): Promise<string> {
      const identity = currentCall()?.identity;
      return Promise.resolve(`${identity?.subject}: ${identity?.roles.join()}`);
    }
  }

  @QueryContract('diary.become.v1', { result: String })
  class Become extends Query<string> {}

  @QueryHandler(Become)
  class BecomeHandler implements IQueryHandler<Become> {
    execute(): Promise<string> {
      try {
        identify({ subject: 'root', roles: ['staff'] });
        return Promise.resolve('became');
      } catch (error) {
        return Promise.resolve((error as Error).name);
      }
    }
  }

  const DiaryContract = defineContract({ name: 'diary', queries: [Who, Become] });
  const DeskContract = defineContract({ name: 'desk', routes: ['/desk'] });

  @Controller('desk')
  class DeskController {
    constructor(private readonly queries: QueryBus) {}

    @Get() me(@CurrentUser() user: Identity): Identity {
      return user;
    }
    @Get('who') async who(): Promise<object> {
      return { who: await this.queries.execute(new Who()), became: await this.queries.execute(new Become()) };
    }
    @Get('open') @Public() open(): object {
      return { open: true };
    }
    @Get('safe') @Roles('clerk') safe(): object {
      return { safe: true };
    }
  }

  @BoundedModule({ contract: DiaryContract, providers: [WhoHandler, BecomeHandler] })
  class DiaryModule {}

  @BoundedModule({
    contract: DeskContract,
    uses: [DiaryContract],
    imports: [Authentication.by(SessionGuard, { imports: [SessionsModule] })],
    controllers: [DeskController],
  })
  class DeskModule {}

  it('asks a guard that is made for each request before it decides', async () => {
    @BoundedModule({
      contract: DeskContract,
      uses: [DiaryContract],
      imports: [Authentication.by(RequestGuard)],
      controllers: [DeskController],
    })
    class RequestDeskModule {}
    tested = await testModule(RequestDeskModule);
    const status = async (path: string, session?: string): Promise<number> =>
      (
        await (tested as TestedModule).request(
          'GET',
          path,
          undefined,
          session === undefined ? {} : { headers: { 'x-session': session } },
        )
      ).status;
    expect(await status('/desk', 'anna')).toBe(200);
    expect(await status('/desk')).toBe(401);
    expect(await status('/desk/safe', 'bert')).toBe(403);
    // what is said inside would be forgotten at its end: it is refused
    expect(await status('/desk', 'within')).toBe(500);
  });

  it('lets nobody in whose context middleware has taken away', async () => {
    tested = await testModule(DeskModule, {
      nest: [
        {
          beforeInit: (app) =>
            void app.use((_request: unknown, _response: unknown, next: () => void) => {
              void withCallOptions({}, () => Promise.resolve(next()));
            }),
        },
      ],
    });
    expect((await tested.request('GET', '/desk')).status).toBe(401);
    expect((await tested.request('GET', '/desk/safe')).status).toBe(401);
    expect((await tested.request('GET', '/desk/open')).status).toBe(200);
  });

  it('keeps what is not a route of HTTP, such as a resolver of GraphQL, to users as well', () => {
    const guard = new AccessGuard(new Reflector());
    const resolver = {
      getType: () => 'graphql',
      getHandler: () => DeskController.prototype.me,
      getClass: () => DeskController,
    } as unknown as ExecutionContext;
    const request = new RequestContext('desk', now() + 1_000, undefined);
    expect(() => runInContext(request, () => guard.canActivate(resolver))).toThrow('authenticated user');
  });

  const modules = [
    { contract: DiaryContract, load: () => Promise.resolve(DiaryModule) },
    { contract: DeskContract, load: () => Promise.resolve(DeskModule) },
  ];
  const desk = async (path: string, session?: string): Promise<{ status: number; body: unknown }> => {
    const headers = session === undefined ? undefined : { 'x-session': session };
    const response = await fetch(`http://127.0.0.1:${host.port}${path}`, { headers });
    return { status: response.status, body: await response.json() };
  };

  describe.each([
    ['in one process', (): Host[] => [hostOf(['diary', 'desk'], new LocalTransport())]],
    ['in two services over NATS', (): Host[] => ['diary', 'desk'].map((name) => hostOf([name], natsTransport(name)))],
  ])('%s', (_where, hosts) => {
    let all: Host[];
    beforeEach(async () => {
      await host.close();
      all = hosts();
      for (const one of all) await one.start();
      host = all.at(-1) as Host;
    });
    afterEach(() => Promise.all(all.map((one) => one.close())));

    it('says who acts, also to the modules that are called', async () => {
      expect(await desk('/desk', 'anna')).toEqual({ status: 200, body: { subject: 'anna', roles: ['clerk'] } });
      expect(await desk('/desk/who', 'anna')).toEqual({
        status: 200,
        body: { who: 'anna: clerk', became: 'IdentityRefused' },
      });
    });

    it('keeps routes to those who may use them', async () => {
      expect(await desk('/desk')).toMatchObject({ status: 401, body: { code: 'fledge.unauthenticated' } });
      expect(await desk('/desk', 'over')).toMatchObject({ status: 401, body: { detail: 'the session is over' } });
      expect(await desk('/desk/open')).toMatchObject({ status: 200 });
      expect(await desk('/desk/safe', 'anna')).toMatchObject({ status: 200 });
      expect(await desk('/desk/safe', 'bert')).toMatchObject({ status: 403, body: { code: 'fledge.forbidden' } });
      expect(await desk('/desk', 'odd')).toMatchObject({ status: 500, body: { code: 'fledge.identity-refused' } });
    });
  });

  const hostOf = (names: string[], transport: Transport): Host =>
    new Host({ application: { name: 'offices', modules }, modules: names, transport, http: { port: 0 } });
  const natsTransport = (name: string): NatsTransport =>
    new NatsTransport({ url: testNatsUrl(), namespace: `sessions${process.pid}`, name });
});
