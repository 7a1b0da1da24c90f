import { jest } from '@jest/globals';
import { type INestApplicationContext, Logger, Scope, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { currentCall } from '../boundary/index.js';
import { ReadinessCheck, readinessChecksOf } from './readiness-check.js';

Logger.overrideLogger(false);

let answer: () => unknown = () => undefined;
let asked = 0;

class Boiler {
  @ReadinessCheck('boiler', { timeoutMs: 30 })
  isHot(): unknown {
    asked++;
    return answer();
  }
}

class OtherBoiler {
  @ReadinessCheck('boiler')
  isHotToo(): void {}
}

let app: INestApplicationContext | undefined;
afterEach(async () => {
  await app?.close();
  asked = 0;
});

async function checksOf(
  providers: NonNullable<ModuleMetadata['providers']>,
): Promise<ReturnType<typeof readinessChecksOf>> {
  class Root {}
  app = await NestFactory.createApplicationContext({ module: Root, providers }, { logger: false, abortOnError: false });
  return readinessChecksOf(app, 'tea');
}

describe('a readiness check', () => {
  it.each<[unknown, string, () => unknown]>([
    ['nothing', 'up', () => undefined],
    ['true', 'up', () => true],
    ['a part that is up', 'up', () => ({ boiler: { status: 'up' } })],
    ['false', 'down', () => Promise.resolve(false)],
    ['an error', 'down', () => Promise.reject(new Error('cold'))],
    [
      'a part that is down beside one that is degraded',
      'down',
      () => ({ a: { status: 'degraded' }, b: { status: 'down' } }),
    ],
    ['a part that is degraded', 'degraded', () => ({ a: { status: 'up' }, b: { status: 'degraded' } })],
    ['nothing in time', 'down', () => new Promise(() => undefined)],
  ])('that returns %s is %s', async (_what, verdict, given) => {
    answer = given;
    const [check] = await checksOf([Boiler]);
    expect(check?.name).toBe('tea.boiler');
    expect(await check?.verdict()).toBe(verdict);
  });

  it('is asked once for many probes, in a context of its module', async () => {
    let seen: ReturnType<typeof currentCall>;
    answer = () => void (seen = currentCall());
    const [check] = await checksOf([Boiler]);
    await Promise.all([check?.verdict(), check?.verdict()]);
    await check?.verdict();
    expect(asked).toBe(1);
    expect(seen).toMatchObject({ caller: 'job', identity: undefined });
  });

  it('is not asked again before it has ended, however often its time is up', async () => {
    let end: () => void = () => undefined;
    answer = () => new Promise<void>((resolve) => (end = resolve));
    const [check] = await checksOf([Boiler]);
    const clock = jest.spyOn(performance, 'now');
    try {
      expect(await check?.verdict()).toBe('down');
      const later = performance.now() + 2_000;
      clock.mockImplementation(() => later);
      expect(await check?.verdict()).toBe('down');
      expect(asked).toBe(1);
      end();
    } finally {
      clock.mockRestore();
    }
  });

  it.each<[string, NonNullable<ModuleMetadata['providers']>]>([
    ["tea has two readiness checks 'boiler', one of them OtherBoiler.isHotToo", [Boiler, OtherBoiler]],
    [
      'the provider of the readiness check Boiler.isHot is made anew for each request',
      [{ provide: Boiler, useClass: Boiler, scope: Scope.REQUEST }],
    ],
  ])('stops the start: %s', async (message, providers) => {
    await expect(checksOf(providers)).rejects.toMatchObject({ code: 'fledge.startup.readiness-check', message });
  });

  it.each([
    ['Hot Water', undefined, 'has the name "Hot Water"'],
    ['water', 5, 'may take 5 ms'],
  ])('is refused with the name %j and a time of %p', (name, timeoutMs, fact) => {
    expect(() =>
      ReadinessCheck(name, { ...(timeoutMs !== undefined && { timeoutMs }) })(Boiler.prototype, 'isHot', {}),
    ).toThrow(
      expect.objectContaining({
        code: 'fledge.startup.readiness-check',
        message: expect.stringContaining(fact) as string,
      }),
    );
  });
});
