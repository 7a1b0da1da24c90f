import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { eventually, testNatsUrl } from '@fledge/kit/testing';
import { connect } from '@nats-io/transport-node';
import { MODULES, type StartedShop, startGroups } from './started-shop.js';

const PAGE = readFileSync(new URL('../../../libs/kit/docs/tutorial.md', import.meta.url), 'utf8');
const BLOCKS = [...PAGE.matchAll(/^<!-- run by apps\/shop\/test\/tutorial\.spec\.ts -->\n```sh\n([^]*?)^```$/gm)].map(
  ([, code = '']) => code,
);
const [order = '', look = '', wire = ''] = BLOCKS;
/** In place of the CLI of NATS, which is not installed: prints what it is told. */
const NATS = `nats() { node -e 'console.log(JSON.stringify(process.argv.slice(1)))' -- "$@"; }`;
const HAS_CURL = spawnSync('curl', ['--version']).status === 0;

/** Runs lines as a person would, with variables of before. Fails when one of them fails. */
async function shell(lines: string, variables: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', lines], {
    env: { ...process.env, NODE_OPTIONS: '', ...variables },
    timeout: 60_000,
  });
  return stdout.trim().split('\n');
}

interface Order {
  readonly id: string;
  readonly state: string;
}

const worlds: readonly [string, readonly (readonly string[])[]][] = [
  ['one process', [MODULES]],
  ['a service for each module', MODULES.map((module) => [module])],
];

// a machine without curl: the journeys order all the same
(HAS_CURL ? describe : describe.skip).each(worlds)('the commands of the tutorial, with the shop as %s', (_, groups) => {
  let started: StartedShop;
  let variables: { shop: string; token: string; product: string };
  let ordered: Order;

  beforeAll(async () => {
    started = await startGroups(groups, { settings: { catalog: { demo: true }, inventory: { demo: true } } });
  });
  afterAll(() => started?.stop());

  it('order something, and have it paid and sent', async () => {
    const here = order.replace('http://127.0.0.1:3000', started.url);
    expect(here).toContain(`shop=${started.url}\n`);
    const said = await shell(`${here}\nprintf '\\n%s\\n%s' "$token" "$product"`);
    const [token = '', product = ''] = said.slice(-2);
    variables = { shop: started.url, token, product };
    // the cart, and behind it the order, without a line's end between them
    ordered = JSON.parse(said[0]?.slice(said[0].indexOf('}{"id"') + 1) ?? '') as Order;
    expect(ordered).toMatchObject({ state: 'placed', lines: [{ productId: product, quantity: 2 }] });
  });

  it('show what became of the order, and the page has its mails', async () => {
    await eventually(async () => {
      const [{ items: [newest] } = { items: [] }] = (await shell(look, variables)).map(
        (line) => JSON.parse(line) as { items: Order[] },
      );
      expect(newest).toEqual(
        expect.objectContaining({ id: ordered.id, state: expect.stringMatching(/^(shipped|completed)$/) as string }),
      );
    }, 'the order is sent');
    await eventually(
      async () =>
        expect(await (await fetch(`${started.url}/notifications/mailbox`)).text()).toContain(
          'Your order is on its way',
        ),
      'its mail is in the mailbox',
    );
  });

  // one process has no broker
  if (groups.length === 1) return;
  it('show every module at the broker, and call one', async () => {
    const asked = (await shell(`${NATS}\n${wire}`, variables)).map((line) => JSON.parse(line) as string[]);
    const client = await connect({ servers: testNatsUrl() });
    const all = async (subject: string): Promise<unknown[]> => {
      const answers = [];
      for await (const answer of await client.requestMany(subject, '', { maxWait: 1_000 })) answers.push(answer.json());
      return answers;
    };
    try {
      // what the CLI sends for each
      const [list, stats, call] = asked;
      expect(list).toEqual(['micro', 'ls']);
      expect(await all('$SRV.PING')).toEqual(
        expect.arrayContaining(MODULES.map((name) => expect.objectContaining({ name }) as unknown)),
      );
      expect(stats).toEqual(['micro', 'stats', 'catalog']);
      expect(await all('$SRV.STATS.catalog')).toContainEqual(expect.objectContaining({ name: 'catalog' }));
      const [verb, subject = '', body = ''] = call ?? [];
      expect([verb, subject.split('.')[0]]).toEqual(['req', 'shop']);
      const answer = await client.request(subject.replace(/^shop/, started.namespace), body);
      expect(answer.json()).toEqual([expect.objectContaining({ id: variables.product })]);
    } finally {
      await client.close();
    }
  });
});
