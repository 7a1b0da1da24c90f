import { levelFilter, levelNamed } from './log-filter.js';

const nest = (level: string): string =>
  `[Nest] 4711  - 11/30/2026, 4:39:16 PM ${level.padStart(7)} [host] it said ERROR once`;

describe('the filter of lines by level', () => {
  it('reads the levels of Nest, of pino, and of other JSON lines', () => {
    const keep = levelFilter('warn', 'log');
    const lines = [
      nest('LOG'),
      nest('WARN'),
      nest('FATAL'),
      '{"level":30,"msg":"pino"}',
      '{"level":50,"msg":"pino"}',
      '{"severity":"WARNING"}',
      '{"level":"info"}',
      '{"level":"error","message":"Nest as JSON"}',
      '{ not JSON: ERROR',
      'plain',
    ];
    expect(lines.map((line) => keep(line))).toEqual([false, true, true, false, true, true, false, true, false, false]);
  });

  it('keeps a stack with the line that it belongs to, and takes the usual level for other lines without one', () => {
    const keep = levelFilter('error', 'log');
    expect([nest('ERROR'), '    at x.js:1', 'plain', '    indented'].map((line) => keep(line))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(levelFilter('error', 'error')('Error: thrown')).toBe(true);
  });

  it('knows levels by several names', () => {
    expect(['WARN', 'info', 'trace', 'loud'].map(levelNamed)).toEqual(['warn', 'log', 'verbose', undefined]);
  });
});
