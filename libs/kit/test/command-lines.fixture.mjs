/**
 * Says which command lines are taken by the programs of this repository, as they are built. Its argument is a list
 * `[[program, …arguments], …]` as JSON; prints a list of what is wrong with each, or `null`. Of `mention` it says
 * whether `fledge` has a command of that name, whatever else it wants. Run it where there is no application, with a
 * database that cannot be reached: `fledge` reads its command line, and gets no further.
 */
import { benchOptions } from '../../../dist/apps/bench/src/bench-options.js';
import { run } from '../../../dist/apps/cli/src/run.js';
import { labOptions } from '../../../dist/apps/faults/src/lab-options.js';
import { outsideOptions } from '../../../.ci/outside/options.mjs';

const WRONG_COMMAND = 2;
const READERS = { bench: benchOptions, 'test:faults': labOptions, 'test:outside': outsideOptions };

const answers = [];
for (const [program, ...args] of JSON.parse(process.argv[2])) answers.push(await problemOf(program, args));
process.stdout.write(JSON.stringify(answers));

async function problemOf(program, args) {
  if (program === 'fledge') return problemOfFledge(args);
  if (program === 'mention') return /there is no command|knows no/.exec(await problemOfFledge(args))?.input ?? null;
  try {
    READERS[program](args);
    return null;
  } catch (error) {
    return error.message;
  }
}

async function problemOfFledge(args) {
  const { write: out } = process.stdout;
  const { write: err } = process.stderr;
  let said = '';
  process.stdout.write = () => true;
  process.stderr.write = (text) => ((said += text), true);
  try {
    return (await run(args)) === WRONG_COMMAND ? said : null;
  } finally {
    process.stdout.write = out;
    process.stderr.write = err;
  }
}
