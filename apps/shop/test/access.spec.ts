import { CONTRACT_MESSAGES, MESSAGES } from './access/messages.js';
import { answeredFields, Documents, fieldsBeyond, takenFields } from './access/fields.js';
import { ROUTES, routesOf } from './access/routes.js';
import { ShopOfAll, TOPOLOGIES } from './access/shop-of-all.js';
import { record, recordedTable } from './access/table.js';
import { walkCallers, type Walked, walkRoutes, walkUsers } from './access/walk.js';

const WITHIN_MS = 120_000;
const IS_RECORDING = process.env.FLEDGE_RECORD_ACCESS === '1';

/** Compares a table with the recorded one. */
function compare(heading: string, table: string): void {
  if (IS_RECORDING) record(heading, table);
  expect(table.split('\n')).toEqual(recordedTable(heading).split('\n'));
}

describe.each(Object.entries(TOPOLOGIES))('who may do what in the shop, in %s', (_name, topology) => {
  let world: ShopOfAll;
  let documents: Documents;
  let walked: Walked;
  beforeAll(async () => {
    world = await ShopOfAll.start(topology);
    documents = await Documents.of(world);
  }, WITHIN_MS);
  afterAll(() => world?.close());

  it('is tried with every route and every message', () => {
    expect(Object.keys(ROUTES).sort()).toEqual(routesOf(world));
    expect(documents.routes.filter((route) => !(route in ROUTES))).toEqual([]);
    expect(CONTRACT_MESSAGES.filter(({ cls }) => !MESSAGES.has(cls)).map(({ name }) => name)).toEqual([]);
  });

  it(
    'is for routes what the table says, and tells nobody what belongs to the buyer',
    async () => {
      walked = await walkRoutes(world);
      expect(walked.leaks).toEqual([]);
      compare('Routes: the status of the answer', walked.table);
    },
    WITHIN_MS,
  );

  it('shows only the fields that are documented', () => {
    compare('Fields of answers', answeredFields(documents));
    expect(fieldsBeyond(documents, walked.seen)).toEqual([]);
  });

  it(
    'lets no request set a field that it does not name',
    async () => {
      const { tried, taken } = await takenFields(world, documents, walked.seen);
      expect(tried).toBeGreaterThan(80);
      expect(taken).toEqual([]);
    },
    WITHIN_MS,
  );

  it(
    'is for messages, by the user, what the table says',
    async () => compare('Messages: on behalf of whom', await walkUsers(world)),
    WITHIN_MS,
  );

  it(
    'is for messages, by the calling module, what the table says',
    async () => compare('Messages: which modules may send them', await walkCallers(world)),
    WITHIN_MS,
  );
});
