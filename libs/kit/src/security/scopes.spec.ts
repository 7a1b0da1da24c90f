import { Controller, Get } from '@nestjs/common';
import { Query } from '@nestjs/cqrs';
import { BoundedModule } from '../bus/index.js';
import { defineContract, QueryContract, SigningKeys } from '../contract/index.js';
import { fake, testModule, type TestedModule } from '../testing/index.js';
import { Authenticated, Authentication, CurrentUser, Public, Scopes } from './index.js';
import type { Identity } from '../boundary/index.js';

@QueryContract('accounts.keys.v1', { result: SigningKeys })
class GetKeys extends Query<SigningKeys> {}
const AccountsContract = defineContract({ name: 'accounts', queries: [GetKeys] });

@Controller('desk')
@Public()
class DeskController {
  @Get() open(): object {
    return {};
  }
  @Get('mine') @Authenticated() mine(@CurrentUser() user: Identity): Identity {
    return user;
  }
  @Get('papers') @Authenticated() @Scopes('papers:read', 'papers:sign') papers(): object {
    return {};
  }
}
@BoundedModule({
  contract: defineContract({ name: 'desk', routes: ['/desk'] }),
  uses: [AccountsContract],
  imports: [Authentication.verifiedBy(GetKeys)],
  controllers: [DeskController],
})
class DeskModule {}

let desk: TestedModule;
beforeAll(async () => {
  desk = await testModule(DeskModule, { fakes: [fake(AccountsContract)] });
});
afterAll(() => desk?.close());

it("reads the claim 'scope' of a token", async () => {
  const user = { subject: 'u-1', roles: [], scopes: ['papers:read', 'other'] };
  expect((await desk.as(user).request('GET', '/desk/mine')).body).toEqual(user);
  const without = { subject: 'u-1', roles: ['clerk'] };
  expect((await desk.as(without).request('GET', '/desk/mine')).body).toEqual(without);
});

it('needs a user on one route of a public controller by @Authenticated()', async () => {
  expect((await desk.request('GET', '/desk')).status).toBe(200);
  expect((await desk.request('GET', '/desk/mine')).status).toBe(401);
});

it('needs all scopes that @Scopes names', async () => {
  const papers = (scopes?: string[]) =>
    desk.as({ subject: 'u-1', roles: [], ...(scopes && { scopes }) }).request('GET', '/desk/papers');
  expect((await papers(['papers:sign', 'papers:read'])).status).toBe(200);
  for (const scopes of [undefined, ['papers:read']])
    expect(await papers(scopes)).toMatchObject({
      status: 403,
      body: {
        code: 'fledge.forbidden',
        detail: 'this needs the scopes: papers:read, papers:sign',
        data: { scopes: ['papers:read', 'papers:sign'] },
      },
    });
  expect((await desk.request('GET', '/desk/papers')).status).toBe(401);
});
