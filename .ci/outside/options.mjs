import { parseArgs } from 'node:util';

/** What can be tried alone. */
const PARTS = ['starter', 'generators', 'pnpm', 'adoption'];

/** Reads the command line. @param {readonly string[]} args @throws Error for one that cannot be taken. */
export function outsideOptions(args) {
  const { values } = parseArgs({ args: [...args], options: { keep: { type: 'boolean' }, only: { type: 'string' } } });
  if (values.only !== undefined && !PARTS.includes(values.only))
    throw new Error(`--only is '${values.only}': use ${PARTS.join(', ')}`);
  return values;
}
