import { StartupError } from '@fledge/kit/operations';
import { askApplication } from './ask-application.js';
import { type Line, runVerb, type Verb } from './operate/verbs.js';
import { findProject, topologyFile } from './project.js';

const KEYS = 'fledge nats keys <topology> [--keys <folder>]';
const CONFIG = 'fledge nats config <topology> [--keys <folder>]';
const PROVISION = 'fledge nats provision <topology> [--keys <folder>] [--again <module>]';

const verb = (name: string, usage: string): Verb => ({
  usage,
  words: [1],
  options: { keys: 'text', ...(name === 'provision' && { again: 'text' }) },
  run: (line) => forward(line, name),
});

const VERBS: Readonly<Record<string, Verb>> = {
  keys: verb('keys', KEYS),
  config: verb('config', CONFIG),
  provision: verb('provision', PROVISION),
};

/**
 * `fledge nats keys|config|provision`: makes an nkey for each service, each client and the operator; prints the accounts
 * of a nats-server, with permissions that allow what contracts, `uses` and topology say; makes the stream and the
 * consumers. The built application, which knows its modules, does the work. Seeds are in `--keys`, default `.nats`.
 */
export function nats(args: readonly string[]): Promise<number> {
  return runVerb('nats', VERBS, args);
}

async function forward(line: Line, name: string): Promise<number> {
  const project = findProject();
  const [topology] = line.words as [string];
  const keys = line.text('keys');
  const again = line.text('again');
  const refusal = await askApplication(project, {
    args: [
      ...['--nats', name, '--topology', topologyFile(project, topology)],
      ...(keys ? ['--keys', keys] : []),
      ...(again ? ['--again', again] : []),
    ],
    told: (text) => process.stdout.write(text),
  });
  if (refusal) throw new StartupError('nats-command', refusal.fact, refusal.cure);
  return 0;
}
