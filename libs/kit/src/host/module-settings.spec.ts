import { Controller, Get } from '@nestjs/common';
import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Max,
  Min,
  MinLength,
  registerDecorator,
  ValidateNested,
} from 'class-validator';
import { BoundedModule } from '../bus/index.js';
import { defineContract } from '../contract/index.js';
import { testModule } from '../testing/index.js';
import { checkSettings, type ModuleSettings } from './module-settings.js';

class Limits {
  @IsInt() @Max(50) readonly page: number = 20;
}

class PaymentsSettings {
  @IsBoolean() readonly demo: boolean = false;
  @IsInt() @Min(100) @Max(5_000) readonly timeoutMs: number = 1_000;
  @MinLength(8, { message: 'Set it to the secret of the provider, 8 characters or more' }) readonly secret: string = '';
  @IsOptional() @IsString() @IsIn(['EUR', 'CHF']) readonly currency?: string;
  @IsOptional() @IsString({ each: true }) readonly hosts?: readonly string[];
  @ValidateNested() @Type(() => Limits) readonly limits: Limits = new Limits();
}

const contract = defineContract({ name: 'pay', routes: ['/pay'] });
const check = (given: ModuleSettings) => checkSettings({ contract, settings: PaymentsSettings }, given);
const SECRET = { secret: 'long enough' };

it('gives an instance with what is said, and the defaults of what is not', () => {
  const { instance, problems } = check({ ...SECRET, timeoutMs: 200, limits: { page: 30 } });
  expect(problems).toEqual([]);
  expect(instance).toBeInstanceOf(PaymentsSettings);
  expect(instance).toEqual({ demo: false, timeoutMs: 200, secret: 'long enough', limits: { page: 30 } });
  expect(instance).toHaveProperty('limits', expect.any(Limits));
});

it.each([[''], [null], [undefined]])('takes %j for left out', (nothing) => {
  expect(check({ ...SECRET, currency: nothing, timeoutMs: nothing })).toMatchObject({
    problems: [],
    instance: { timeoutMs: 1_000 },
  });
});

it.each([[''], [null]])('takes %j for left out in settings within settings, too', (nothing) => {
  expect(check({ ...SECRET, limits: { page: nothing } })).toMatchObject({
    problems: [],
    instance: { limits: { page: 20 } },
  });
});

it('gives a map of which it knows no class as it is', () => {
  class Free {
    @IsObject() readonly headers: Readonly<Record<string, string>> = {};
  }
  expect(checkSettings({ contract, settings: Free }, { headers: { name: 'x', empty: '' } })).toEqual({
    problems: [],
    instance: { headers: { name: 'x', empty: '' } },
  });
});

it.each<[string, ModuleSettings, string]>([
  ['an unknown key', { timeOutMs: 5 }, "unknown key 'settings.pay.timeOutMs'. Did you mean 'timeoutMs'?"],
  [
    'an unknown key with none near',
    { zebra: 5 },
    "unknown key 'settings.pay.zebra'. Known here: demo, timeoutMs, secret, currency, hosts, limits",
  ],
  [
    "a key of an object's prototype",
    { constructor: 5 },
    "unknown key 'settings.pay.constructor'. Known here: demo, timeoutMs, secret, currency, hosts, limits",
  ],
  [
    'what lies deeper',
    { limits: { page: 60 } },
    'settings.pay.limits.page cannot be used. It must not be greater than 50',
  ],
  [
    'an unknown key that lies deeper',
    { limits: { pge: 6 } },
    "unknown key 'settings.pay.limits.pge'. Remove it, or correct its name",
  ],
  [
    'a list where one belongs',
    { limits: [{ page: 3 }] },
    'settings.pay.limits cannot be used. It must be a map, not a list',
  ],
  [
    'an empty list where one belongs',
    { limits: [] },
    'settings.pay.limits cannot be used. It must be a map, not a list',
  ],
  ['an item of a list', { hosts: ['a', 5] }, 'settings.pay.hosts[1] cannot be used. It must be a string'],
  [
    'a number out of its range',
    { timeoutMs: 5 },
    'settings.pay.timeoutMs is 5. It must not be less than 100; default 1000',
  ],
  ['another type', { demo: 3 }, 'settings.pay.demo cannot be used. It must be a boolean value; default false'],
  [
    'a secret of digits, which is not shown',
    { secret: 4_929 },
    'settings.pay.secret cannot be used. Set it to the secret of the provider, 8 characters or more',
  ],
  [
    'a map, which is not shown',
    { secret: { url: 'hunter2' } },
    'settings.pay.secret cannot be used. Set it to the secret of the provider, 8 characters or more',
  ],
  [
    'a text, which is not shown',
    { timeoutMs: 'hunter2' },
    'settings.pay.timeoutMs cannot be used. It must be an integer number; It must not be less than 100; It must not be greater than 5000; default 1000',
  ],
  [
    'a word that is none of them',
    { currency: 'USD' },
    'settings.pay.currency cannot be used. It must be one of the following values: EUR, CHF',
  ],
  [
    'what must be set',
    { secret: '' },
    'settings.pay.secret is not set. Set it to the secret of the provider, 8 characters or more',
  ],
  [
    'a message of the module itself',
    { secret: 'short' },
    'settings.pay.secret cannot be used. Set it to the secret of the provider, 8 characters or more',
  ],
])('refuses %s', (_, given, line) => {
  expect(check({ ...SECRET, ...given }).problems.map(({ fact, cure }) => `${fact}. ${cure}`)).toEqual([line]);
});

it('finds all that is wrong at once', () => {
  expect(check({ demo: 'yes', timeoutMs: 5, dmo: true }).problems.map(({ key }) => key)).toEqual([
    'dmo',
    'demo',
    'timeoutMs',
    'secret',
  ]);
});

it('refuses any for a module that has none', () => {
  expect(checkSettings({ contract }, { demo: true })).toEqual({
    instance: undefined,
    problems: [{ module: 'pay', key: 'demo', fact: "unknown key 'settings.pay.demo'", cure: "'pay' has no settings" }],
  });
  expect(checkSettings({ contract }, {})).toEqual({ instance: undefined, problems: [] });
});

it('takes nothing for a class without fields', () => {
  class None {}
  expect(checkSettings({ contract, settings: None }, {})).toEqual({ instance: new None(), problems: [] });
  expect(checkSettings({ contract, settings: None }, { demo: true }).problems).toHaveLength(1);
});

it('refuses a class with a field that nothing checks', () => {
  class Careless {
    @IsBoolean() readonly demo: boolean = false;
    readonly timeoutMs: number = 5;
  }
  class Within {
    @ValidateNested() @Type(() => Careless) readonly inner: Careless = new Careless();
  }
  for (const settings of [Careless, Within])
    expect(() => checkSettings({ contract, settings }, {})).toThrow('Careless has fields without a check: timeoutMs');
});

it('refuses a class with settings within settings of no class', () => {
  class Untyped {
    @ValidateNested() readonly limits: Limits = new Limits();
  }
  expect(checkSettings({ contract, settings: Untyped }, {}).problems).toEqual([]);
  expect(() => checkSettings({ contract, settings: Untyped }, { limits: { page: 3 } })).toThrow(
    'Untyped.limits has @ValidateNested, but no class',
  );
});

it('refuses a class with a check that is asynchronous, which would not be waited for', () => {
  const IsReachable = (): PropertyDecorator => (target, propertyName) =>
    registerDecorator({
      name: 'isReachable',
      target: target.constructor,
      propertyName: propertyName as string,
      async: true,
      validator: { validate: () => Promise.resolve(false) },
    });
  class Server {
    @IsReachable() readonly host: string = 'nowhere';
  }
  class Nested {
    @ValidateNested() @Type(() => Server) readonly server: Server = new Server();
  }
  for (const settings of [Server, Nested])
    expect(() => checkSettings({ contract, settings }, {})).toThrow(
      'Server.host has the asynchronous check isReachable',
    );
});

describe('a module', () => {
  @Controller('pay')
  class PayController {
    constructor(private readonly settings: PaymentsSettings) {}
    @Get()
    timeout(): object {
      return { timeoutMs: this.settings.timeoutMs };
    }
  }

  @BoundedModule({ contract, settings: PaymentsSettings, controllers: [PayController] })
  class PayModule {}

  it('injects its settings by their class', async () => {
    const pay = await testModule(PayModule, {
      settings: { ...SECRET, timeoutMs: 300 },
      identity: { subject: 'u', roles: [] },
    });
    expect((await pay.request('GET', '/pay')).body).toEqual({ timeoutMs: 300 });
    await pay.close();
  });

  it('does not start with its class of settings among its providers, where Nest would make another', async () => {
    @BoundedModule({ contract, settings: PaymentsSettings, providers: [PaymentsSettings] })
    class TwiceModule {}
    await expect(testModule(TwiceModule, { settings: SECRET })).rejects.toMatchObject({
      code: 'fledge.startup.settings-provided',
    });
  });

  it('does not start with settings that are wrong', async () => {
    await expect(testModule(PayModule, { settings: { timeoutMs: 5 } })).rejects.toMatchObject({
      code: 'fledge.startup.setting',
      problems: [
        { module: 'pay', key: 'timeoutMs' },
        { module: 'pay', key: 'secret' },
      ],
    });
  });
});
