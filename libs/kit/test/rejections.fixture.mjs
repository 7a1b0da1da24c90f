/**
 * Leaves promises behind that are rejected, in a context of a module and outside of any, once with a host's containment
 * and once after it has ended. Prints what was counted as the context's; the process ends by the last one.
 */
import { register } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

register('./typescript.hooks.mjs', import.meta.url);
const { CallContext, runInContext } = await import('../src/boundary/call-context.ts');
const { containRejections } = await import('../src/host/contain-rejections.ts');

class Counting extends CallContext {
  rejected(reason) {
    process.stdout.write(`counted: ${reason.message}\n`);
    return true;
  }
}

const leaveBehind = async (text) => {
  await sleep(1);
  throw new Error(text);
};

const release = containRejections();
runInContext(
  new Counting('module', 'job', Infinity, undefined, undefined, undefined),
  () => void leaveBehind('of the context'),
);
void leaveBehind('of nobody');
await sleep(50);
process.stdout.write('alive\n');
release();
void leaveBehind('after the host');
await sleep(5_000);
