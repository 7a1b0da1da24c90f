import { IsIn, IsInt, IsOptional, IsString, MaxLength, ValidateIf } from 'class-validator';
import { InvalidMessage, ModuleUnavailable } from '../contract/index.js';
import {
  CallContext,
  CONTEXT_BYTES_MAX,
  contextOf,
  ContextReader,
  ContextRefused,
  ContextValues,
  currentContext,
  inTransaction,
  runInContext,
  runInTransaction,
  setContext,
  withCallOptions,
  withContext,
} from './index.js';

class ShopContext {
  @IsOptional() @IsString() @MaxLength(4_000) readonly tenant?: string;
  @IsOptional() @IsIn(['de', 'en']) readonly locale?: string;
  @IsOptional() @IsInt() readonly level?: number;
  describe(): string {
    return `${this.tenant} in ${this.locale}`;
  }
}
const reader = new ContextReader(ShopContext);

const work = (): CallContext => new CallContext('desk', 'http', Infinity, undefined, undefined, undefined);
const failureOf = (fn: () => unknown): unknown => {
  try {
    return fn();
  } catch (error) {
    return error;
  }
};

describe('the context of an application', () => {
  it('is set for the rest of the work, field by field, and read as an instance of its class', () => {
    runInContext(work(), () => {
      expect(contextOf(ShopContext)).toEqual(new ShopContext());
      setContext(ShopContext, { tenant: 'acme' });
      setContext(ShopContext, { locale: 'de', level: undefined });
      expect(contextOf(ShopContext).describe()).toBe('acme in de');
      setContext(ShopContext, { tenant: null });
      expect({ ...contextOf(ShopContext) }).toEqual({ locale: 'de' });
      setContext(ShopContext, { locale: undefined });
      expect({ ...contextOf(ShopContext) }).toEqual({});
    });
  });

  it('cannot be changed by who reads it', () => {
    runInContext(work(), () => {
      setContext(ShopContext, { tenant: 'acme' });
      expect(() => Object.assign(contextOf(ShopContext), { tenant: 'other' })).toThrow(TypeError);
      expect(contextOf(ShopContext).tenant).toBe('acme');
    });
  });

  it('is set for the time of a function, anywhere', async () => {
    await withContext(ShopContext, { tenant: 'acme' }, async () => {
      await withContext(ShopContext, { locale: 'en' }, () => {
        expect({ ...contextOf(ShopContext) }).toEqual({ tenant: 'acme', locale: 'en' });
        return Promise.resolve();
      });
      expect({ ...contextOf(ShopContext) }).toEqual({ tenant: 'acme' });
      await withCallOptions({ deadlineMs: 5 }, () =>
        Promise.resolve(expect(contextOf(ShopContext).tenant).toBe('acme')),
      );
    });
    expect({ ...contextOf(ShopContext) }).toEqual({});
  });

  it('takes nothing of the transaction, the cancellation and the effects of the work from a function', async () => {
    const request = work();
    request.openByHand = 1;
    const transaction = { owner: {}, manager: {} };
    await runInContext(request, () =>
      runInTransaction(transaction, () =>
        withContext(ShopContext, { tenant: 'acme' }, async () => {
          expect(currentContext()?.transaction).toBe(transaction);
          expect(inTransaction(currentContext())).toBe(true);
        }),
      ),
    );
    await runInContext(request, () =>
      withContext(ShopContext, {}, async () => {
        expect(inTransaction(currentContext())).toBe(true);
        currentContext()?.noteEffect();
      }),
    );
    expect(request.hasEffects).toBe(true);
  });

  it.each<[string, object, string, string]>([
    ['a value of the wrong type', { tenant: 5 }, 'tenant', 'type'],
    ['a value that breaks a rule', { locale: 'fr' }, 'locale', 'isIn'],
    ['a field that the class does not have', { tennant: 'acme' }, 'tennant', 'unknown-field'],
    ['a field to unset that the class does not have', { tennant: null }, 'tennant', 'unknown-field'],
  ])('refuses %s, and changes nothing', (_, change, path, rule) => {
    runInContext(work(), () => {
      setContext(ShopContext, { tenant: 'acme' });
      const error = failureOf(() => setContext(ShopContext, change)) as InvalidMessage;
      expect(error).toBeInstanceOf(InvalidMessage);
      expect(error.message).toContain('the context ShopContext');
      expect(error.violations).toMatchObject([{ path, rule }]);
      expect({ ...contextOf(ShopContext) }).toEqual({ tenant: 'acme' });
    });
  });

  it('is refused where it would be forgotten, and outside of any work', async () => {
    const refused = (): unknown => failureOf(() => setContext(ShopContext, { tenant: 'acme' }));
    const nested = { code: 'fledge.context-refused', message: expect.stringContaining('forget it') as string };
    expect(refused()).toMatchObject({ message: expect.stringContaining('outside of a request') as string });
    await runInContext(work(), async () => {
      expect(runInTransaction({ owner: {}, manager: {} }, refused)).toMatchObject(nested);
      expect(await withCallOptions({}, async () => refused())).toMatchObject(nested);
      expect(await withContext(ShopContext, {}, async () => refused())).toMatchObject(nested);
    });
  });

  it('is bounded: by its bytes as JSON in ASCII, all values together', () => {
    runInContext(work(), () => {
      const frame = '{"tenant":"","level":1}'.length;
      setContext(ShopContext, { level: 1 });
      setContext(ShopContext, { tenant: 'x'.repeat(CONTEXT_BYTES_MAX - frame) });
      expect(failureOf(() => setContext(ShopContext, { tenant: 'x'.repeat(CONTEXT_BYTES_MAX - frame + 1) }))).toEqual(
        new ContextRefused('the context takes 2049 bytes as JSON, more than 2048', ''),
      );
      expect(failureOf(() => setContext(ShopContext, { tenant: 'ß'.repeat(340) }))).toBeInstanceOf(ContextRefused);
    });
  });

  it('must be declared by an application', () => {
    class Stray {
      @IsOptional() @IsString() readonly tenant?: string;
    }
    for (const use of [() => contextOf(Stray), () => setContext(Stray, {})])
      expect(runInContext(work(), () => failureOf(use))).toMatchObject({
        code: 'fledge.context-refused',
        message: 'Stray is not the context of an application of this process',
        hint: expect.stringContaining('context: Stray') as string,
      });
  });

  it('has only optional fields, since at first nothing is set', () => {
    class Strict {
      @IsString() readonly tenant!: string;
    }
    expect(() => new ContextReader(Strict)).toThrow(
      expect.objectContaining({
        code: 'fledge.startup.context',
        message: expect.stringContaining('Strict.tenant') as string,
      }),
    );
    class Sometimes {
      @ValidateIf(() => false) @IsString() readonly tenant?: string;
    }
    expect(() => new ContextReader(Sometimes)).toThrow('Sometimes.tenant');
    class Bare {
      tenant?: string;
    }
    expect(() => new ContextReader(Bare)).toThrow("Bare, the application's context, has no decorated field");
  });
});

describe('a context that comes from elsewhere', () => {
  it('is checked against the class, and keeps what the class does not know', () => {
    const values = reader.read('desk.open.v1', '{"tenant":"acme","newer":"ö"}') as ContextValues;
    expect(values.text).toBe('{"tenant":"acme","newer":"\\u00f6"}');
    const again = reader.read('desk.open.v1', '{"tenant":"acme","newer":"ö"}');
    expect(again).toBe(values);
    expect(values.with({ tenant: undefined })?.text).toBe('{"newer":"\\u00f6"}');
    expect(new ContextReader().read('desk.open.v1', '{"tenant":5}')?.text).toBe('{"tenant":5}');
  });

  it.each([
    ['no JSON', 'acme'],
    ['a list', '[]'],
    ['null', 'null'],
    ['more than may be set', `{"tenant":"${'x'.repeat(CONTEXT_BYTES_MAX)}"}`],
    // the next process would refuse it
    ['more than may be set in ASCII', `{"tenant":"${'ß'.repeat(1_000)}"}`],
    ['a value that does not fit', '{"locale":"fr"}'],
  ])('is refused if it is %s', (_, text) => {
    const error = failureOf(() => reader.read('desk.open.v1', text)) as InvalidMessage;
    expect(error).toBeInstanceOf(InvalidMessage);
    expect(error.message).toContain('the context of desk.open.v1 breaks its contract');
    expect(error).not.toBeInstanceOf(ModuleUnavailable);
  });
});
