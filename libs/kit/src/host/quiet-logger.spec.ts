import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { CallContext, runInContext } from '../boundary/index.js';
import { logsJson, QuietLogger } from './quiet-logger.js';

/** What a logger writes, to both streams. */
function written(log: () => void): string[] {
  const texts: string[] = [];
  const spies = [process.stdout, process.stderr].map((stream) =>
    jest.spyOn(stream, 'write').mockImplementation((text) => texts.push(String(text)) > 0),
  );
  try {
    log();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return texts;
}

// A database that was away for two seconds filled the terminal with notes that tell a team nothing.
it("prints no debug lines of the kit's own, and all of an application's", () => {
  const logger = new QuietLogger({ colors: false });
  const lines = written(() => {
    for (const context of ['inbox', 'data:shop', 'OrdersService']) logger.debug('consumers cannot be read', context);
    logger.warn('the inbox cannot be read for now', 'inbox');
  });
  expect(lines.map((line) => /(DEBUG|WARN) \[(.*?)\]/.exec(line)?.slice(1))).toEqual([
    ['DEBUG', 'OrdersService'],
    ['WARN', 'inbox'],
  ]);
});

it.each([
  [{}, false],
  [{ NODE_ENV: 'production' }, true],
  [{ NODE_ENV: 'production', FLEDGE_LOG: 'text' }, false],
  [{ NODE_ENV: 'development', FLEDGE_LOG: 'json' }, true],
])('writes JSON in production, and as FLEDGE_LOG says: %j', (env, isJson) => {
  expect(logsJson(env)).toBe(isJson);
});

describe('a record as JSON', () => {
  const logger = new QuietLogger({ json: true, colors: true });
  logger.service = 'front';
  const context = new CallContext(
    'orders',
    'http',
    Infinity,
    undefined,
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    undefined,
  );

  it.each<[string, () => void]>([
    ['a text of two lines', () => logger.warn('one\ntwo', 'Shop')],
    ['an error as the message', () => logger.error(new Error('one\ntwo'), 'Shop')],
    ['a text and a stack', () => logger.error('failed', new Error('one\ntwo').stack, 'Shop')],
    ['an object', () => logger.log({ lines: ['one\ntwo'] }, 'Shop')],
    ["Nest's own Logger", () => new Logger('Shop').error('failed', new Error('x').stack)],
  ])('is one line, with the trace, the module and the service: %s', (_, log) => {
    Logger.overrideLogger(logger);
    const texts = written(() => runInContext(context, log));
    Logger.overrideLogger(false);
    expect(texts).toHaveLength(1);
    expect(texts[0]?.trimEnd()).not.toContain('\n');
    expect(JSON.parse(texts[0] ?? '')).toMatchObject({
      context: 'Shop',
      module: 'orders',
      service: 'front',
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      span_id: 'b7ad6b7169203331',
    });
  });

  it('has neither trace nor module outside of any work', () => {
    const [line = ''] = written(() => logger.log('hello', 'Shop'));
    expect(Object.keys(JSON.parse(line) as object).sort()).toEqual(
      ['context', 'level', 'message', 'pid', 'service', 'timestamp'].sort(),
    );
  });
});

// Only JSON lines had the id: in development, the lines of one request could not be found among those of other services.
describe('a record as text', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const context = new CallContext(
    'orders',
    'http',
    Infinity,
    undefined,
    `00-${traceId}-b7ad6b7169203331-01`,
    undefined,
  );
  const lines = (logger: QuietLogger, message: unknown): string[] =>
    written(() => runInContext(context, () => logger.warn(message, 'Shop')));

  it('has the trace id of the work after the context', () => {
    const [line] = lines(new QuietLogger({ json: false, colors: false }), 'sold out');
    expect(line).toMatch(new RegExp(`WARN \\[Shop\\] ${traceId} sold out\\n$`));
    expect(lines(new QuietLogger({ json: false, colors: true }), 'sold out')[0]).toContain(traceId);
  });

  it('has it once, also if the message has it', () => {
    const [line = ''] = lines(new QuietLogger({ json: false, colors: false }), `[${traceId}] sold out`);
    expect(line.split(traceId)).toHaveLength(2);
  });

  it('has none outside of any work', () => {
    const [line] = written(() => new QuietLogger({ json: false, colors: false }).warn('sold out', 'Shop'));
    expect(line).toMatch(/WARN \[Shop\] sold out\n$/);
  });
});

it.each([[true], [false]])(
  'shows no password of a URL, neither in texts, nor in stacks and objects: JSON %s',
  (json) => {
    const lines = written(() => {
      const logger = new QuietLogger({ json });
      logger.error(
        'no answer of postgres://shop:s3cret@db/shop',
        'Error: postgres://shop:s3cret@db/shop\n    at x',
        'data',
      );
      logger.warn({ url: 'nats://shop:s3cret@nats:4222', cause: 'nats://shop:s3cret@nats:4222' }, 'nats');
    }).join('');
    expect(lines).toContain('postgres://shop:***@db/shop');
    expect(lines).not.toContain('s3cret');
  },
);
