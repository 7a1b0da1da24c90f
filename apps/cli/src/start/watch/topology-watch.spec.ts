import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { newServiceKeys } from '@fledge/kit/operations';
import { eventually } from '@fledge/kit/testing';
import { readTopology } from '../../project.js';
import { LineLog } from '../line-log.js';
import { TopologyWatch } from './topology-watch.js';

const SPLIT = `transport: nats
nats: { url: nats://nats.test:4222 }
database: { url: postgres://db.test/shop }
services: { first: { modules: [a] }, second: { modules: [b] } }
`;
/** Fails while its build is half written. */
const APP = `import { existsSync } from 'node:fs';
if (existsSync(new URL('half-written', import.meta.url))) throw new Error('half written');
if (process.argv.includes('--list-modules'))
  console.log(JSON.stringify({ modules: [{ name: 'a', routes: [] }, { name: 'b', routes: [] }] }));
`;

let folder: string;
let file: string;
let watch: TopologyWatch;
let said: string;
let restarted: (readonly string[])[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fledge-topology-'));
  file = join(folder, 'split.yaml');
  writeFileSync(join(folder, 'main.mjs'), APP);
  writeFileSync(file, SPLIT);
  const project = { root: folder, app: join(folder, 'main.mjs'), demo: [] };
  const out = new PassThrough().setEncoding('utf8');
  said = '';
  out.on('data', (text: string) => (said += text));
  restarted = [];
  const { topology } = await readTopology(project, file);
  watch = new TopologyWatch(project, topology, new LineLog(out, false), (services) => {
    restarted.push(services);
    return Promise.resolve();
  });
});
afterEach(() => {
  watch.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Saves the file, and does not wait until its times are looked at, which may begin only after this. */
function save(text: string): void {
  writeFileSync(file, text);
  watch.built();
}

const times = (text: string): number => said.split(text).length - 1;

describe('a change of the topology file', () => {
  it('is tried again after the next build, if the application could not be asked', async () => {
    const halfWritten = join(folder, 'half-written');
    writeFileSync(halfWritten, '');
    save(`${SPLIT}settings: { b: { demo: true } }\n`);
    await eventually(
      () => expect(said).toContain(`without the change of ${file} until the next build\n`),
      'it fails',
      30_000,
    );
    expect(restarted).toEqual([]);
    rmSync(halfWritten);
    watch.built();
    await eventually(() => expect(restarted).toEqual([['second']]), 'the service is restarted', 30_000);
  });

  it('that is wrong itself is reported once, whatever is built', async () => {
    save(`${SPLIT}nonsense: 1\n`);
    await eventually(() => expect(said).toContain(`without the change of ${file}\n`), 'it is refused', 30_000);
    watch.built();
    // comes after what the build caused
    save(`${SPLIT}settings: { b: { demo: true } }\n`);
    await eventually(() => expect(restarted).toEqual([['second']]), 'the next change is used', 30_000);
    expect(times('goes on without')).toBe(1);
  });

  it.each([
    ['deployment', 'deployment: blue\n'],
    ['trust', `trust: { keys: { first: ${newServiceKeys().publicKey} } }\n`],
  ])('in %s is said to take another start', async (part, text) => {
    save(SPLIT + text);
    await eventually(
      () => expect(said).toContain(`${part} changed: stop this and start it again to use that`),
      'it is said',
      30_000,
    );
    expect(restarted).toEqual([]);
  });

  it('in what all services read restarts all', async () => {
    save(`${SPLIT}calls: { inFlightMax: 20 }\n`);
    await eventually(() => expect(restarted).toEqual([['first', 'second']]), 'they are restarted', 30_000);
  });
});
