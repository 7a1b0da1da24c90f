import { jest } from '@jest/globals';
import { QuietLogger } from './quiet-logger.js';

// A database that was away for two seconds filled the terminal with notes that tell a team nothing.
it("prints no debug lines of the kit's own, and all of an application's", () => {
  const lines: string[] = [];
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  const logger = new QuietLogger({ colors: false });
  for (const context of ['inbox', 'data:shop', 'OrdersService']) logger.debug('consumers cannot be read', context);
  logger.warn('the inbox cannot be read for now', 'inbox');
  write.mockRestore();
  expect(lines.map((line) => /(DEBUG|WARN) \[(.*?)\]/.exec(line)?.slice(1))).toEqual([
    ['DEBUG', 'OrdersService'],
    ['WARN', 'inbox'],
  ]);
});
