import { join, relative } from 'node:path';
import { developmentCertificates, LOCAL_HOSTS } from '@fledge/cli/servers';
import { usageError } from './command.js';
import { type Line, runVerb, type Verb } from './operate/verbs.js';
import { findSources } from './project.js';
import { CERTIFICATE_FOLDER } from './start/development-tls.js';

const USAGE = 'fledge certs dev [--name <host>,…]';

const VERBS: Readonly<Record<string, Verb>> = {
  dev: { usage: USAGE, words: [0], options: { name: 'text' }, run: make },
};

/**
 * `fledge certs dev`: makes an authority and certificates for development in `.data/certs`, and renews those that are
 * near their end.
 */
export function certs(args: readonly string[]): Promise<number> {
  return runVerb('certs', VERBS, args);
}

async function make(line: Line): Promise<number> {
  const names = namesIn(line.text('name') ?? '');
  const { root } = findSources();
  const hosts = [...LOCAL_HOSTS, ...names];
  const { ca, server, client, made } = await developmentCertificates(join(root, CERTIFICATE_FOLDER), { hosts });
  const rows = [
    ['authority', ca],
    ['servers', server.cert],
    ['clients', client.cert],
  ] as const;
  const lines = rows.map(
    ([what, file]) =>
      `  ${what.padEnd(10)} ${relative(root, file).padEnd(24)} ${made.includes(file) ? 'made' : 'still good'}`,
  );
  process.stdout.write(
    [
      'For development and tests only: whoever reads this folder can sign certificates.',
      ...lines,
      '`fledge start --tls` uses them. To trust the authority elsewhere: NODE_EXTRA_CA_CERTS, or curl --cacert.',
      '',
    ].join('\n'),
  );
  return 0;
}

function namesIn(text: string): readonly string[] {
  const names = text.split(',').map((one) => one.trim());
  const wrong = names.find((one) => !/^(\*\.)?[A-Za-z0-9.:-]{0,253}$/.test(one));
  if (wrong !== undefined) throw usageError(USAGE, `'${wrong}' is no host name or address`);
  return names.filter((one) => one !== '');
}
