import { FledgeError, nearest, redacted, StartupError } from '@fledge/kit/operations';
import { COMMANDS } from './commands.js';

/**
 * Runs a command line, without the program's name; resolves with the exit code: 0, 1 for a reported failure, 2 for a
 * wrong command.
 */
export async function run(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || ['help', '--help', '-h'].includes(name)) {
    process.stdout.write(usage());
    return 0;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (!command) {
    const guess = nearest(name, [...COMMANDS.map((candidate) => candidate.name), 'help']);
    process.stderr.write(
      `fledge: there is no command '${name}'. ${guess ? `Did you mean '${guess}'?` : "'fledge help' lists them."}\n`,
    );
    return 2;
  }
  try {
    return await command.run(rest);
  } catch (error) {
    process.stderr.write(`${redacted(explain(error))}\n`);
    return error instanceof StartupError && error.code === 'fledge.startup.usage' ? 2 : 1;
  }
}

/** One line for an error with a known cause and fix; the stack for an unexpected one. */
function explain(error: unknown): string {
  if (error instanceof StartupError && error.code === 'fledge.startup.topology') return error.message;
  if (error instanceof FledgeError) return `fledge: ${error.message}. ${error.hint}`;
  return `fledge: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

function usage(): string {
  const rows = [
    ...COMMANDS.map(({ name, takes, summary }) => ({ line: `${name} ${takes}`, summary })),
    { line: 'help', summary: 'prints this' },
  ];
  const width = Math.max(...rows.map(({ line }) => line.length));
  const lines = rows.map(({ line, summary }) => `  fledge ${line.padEnd(width)}  ${summary}`);
  return [
    'fledge runs the modules of an application in any topology, and helps to operate them.',
    '',
    ...lines,
    '',
  ].join('\n');
}
