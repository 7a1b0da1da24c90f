/**
 * Leaves promises behind that are rejected, in a frame of a module and outside of any, once with a host's containment and once after it
 * has ended. Prints what was counted as the frame's; the process ends by the last one.
 */
import { register } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

register('./typescript.hooks.mjs', import.meta.url);
const { Frame, runInFrame } = await import('../src/boundary/frame.ts');
const { containRejections } = await import('../src/host/contain-rejections.ts');

class Counting extends Frame {
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
runInFrame(new Counting('module', 'job', Infinity, undefined, undefined, undefined), () => void leaveBehind('of the frame'));
void leaveBehind('of nobody');
await sleep(50);
process.stdout.write('alive\n');
release();
void leaveBehind('after the host');
await sleep(5_000);
