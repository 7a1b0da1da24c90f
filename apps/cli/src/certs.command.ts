import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { developmentCertificates, LOCAL_HOSTS } from '@fledge/cli/servers';
import { usageError } from './command.js';
import { findSources } from './project.js';
import { CERTIFICATE_FOLDER } from './start/development-tls.js';

const USAGE = 'fledge certs dev [--name <host>,…]';

/**
 * `fledge certs dev`: makes an authority and certificates for development in `.data/certs`, and renews those that are
 * near their end.
 */
export async function certs(args: readonly string[]): Promise<number> {
  const names = namesIn(args);
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

function namesIn(args: readonly string[]): readonly string[] {
  const [what, ...rest] = args;
  if (what !== 'dev')
    throw usageError(USAGE, what === undefined ? 'it takes `dev`' : `it takes \`dev\`, not '${what}'`);
  let name: string | undefined;
  try {
    ({ name } = parseArgs({ args: [...rest], options: { name: { type: 'string' } } }).values);
  } catch (error) {
    throw usageError(USAGE, (error as Error).message.split('. ')[0] ?? '');
  }
  const names = (name ?? '').split(',').map((one) => one.trim());
  const wrong = names.find((one) => !/^(\*\.)?[A-Za-z0-9.:-]{0,253}$/.test(one));
  if (wrong !== undefined) throw usageError(USAGE, `'${wrong}' is no host name or address`);
  return names.filter((one) => one !== '');
}
