import { type Application, BoundedModule, type Identity } from '@fledge/kit';
import { defineContract } from '@fledge/kit/contract';
import { testApplication, type TestedApplication, type TopologyContent } from '@fledge/kit/testing';
import { randomUUID } from 'node:crypto';
import { shop } from '../../src/modules.js';
import { Shop } from '../journeys/shop.js';

const StrangerContract = defineContract({ name: 'stranger' });

/** A module that somebody adds, and that names every contract in `uses`. */
@BoundedModule({ contract: StrangerContract, uses: shop.modules.map(({ contract }) => contract) })
class StrangerModule {}

const application: Application = {
  ...shop,
  modules: [...shop.modules, { contract: StrangerContract, load: () => Promise.resolve(StrangerModule) }],
};

/** The modules whose messages and routes are walked. */
export const MODULES = shop.modules.map(({ contract }) => contract);
/** The modules that try to send each message. */
export const CALLERS = application.modules.map(({ contract }) => contract.name);

const SETTINGS = {
  identity: { demo: true },
  catalog: { demo: false },
  inventory: { demo: false },
  // what is packed stays packed
  shipping: { dispatchAfterMs: 3_600_000 },
};

/** In one process, and with each module in a service of its own. */
export const TOPOLOGIES: Readonly<Record<string, TopologyContent>> = {
  'one process': { services: { all: { modules: CALLERS } }, settings: SETTINGS },
  'a service for each module': {
    transport: 'nats',
    services: Object.fromEntries(CALLERS.map((name) => [name, { modules: [name] }])),
    settings: SETTINGS,
  },
};

/** Those who send requests. A `forger` has a token that nobody issued. */
export const ACTORS = ['nobody', 'forger', 'other buyer', 'staff', 'buyer'] as const;
export type Actor = (typeof ACTORS)[number];

/** The shop with its users, and with what belongs to the buyer. */
export class ShopOfAll {
  private constructor(
    readonly app: TestedApplication,
    readonly http: Shop,
    private readonly tokens: Readonly<Record<Actor, string | undefined>>,
    /** In the categories that staff have made. */
    readonly productId: string,
    /** Of the buyer: placed, without a payment. */
    readonly orderId: string,
    /** Of the buyer: paid, and packed. */
    readonly packedId: string,
  ) {}

  static async start(topology: TopologyContent): Promise<ShopOfAll> {
    const app = await testApplication(application, { topology }).start();
    try {
      const http = new Shop(app.url);
      const staff = await http.staff();
      const buyer = await http.newBuyer('buyer@access.test');
      const other = await http.newBuyer('other@access.test');
      await http.expect(201, 'POST', '/categories', { token: staff, body: { id: 'access', name: 'Access' } });
      const product = { sku: 'ACCESS-1', name: 'Thing', priceMinor: 100, categoryId: 'access' };
      const productId = await http.product(staff, product, 1_000);
      const order = async (body: object): Promise<string> => {
        await http.expect(201, 'POST', '/cart/items', { token: buyer, body: { productId, quantity: 1 } });
        const headers = { 'idempotency-key': randomUUID() };
        return (await http.expect<{ id: string }>(201, 'POST', '/orders', { token: buyer, body, headers })).id;
      };
      const packedId = await order({ paymentMethod: 'pm_card_approved' });
      const orderId = await order({});
      await http.until(`/shipments/${packedId}`, buyer, (body) => (body as { state?: string }).state === 'packed');
      await app.untilQuiet();
      const tokens = { nobody: undefined, forger: forged(buyer), 'other buyer': other, staff, buyer };
      return new ShopOfAll(app, http, tokens, productId, orderId, packedId);
    } catch (error) {
      await app.close();
      throw error;
    }
  }

  token(actor: Actor): string | undefined {
    return this.tokens[actor];
  }

  /** Who acts, for a message that is sent without a request. */
  identity(actor: Actor): Identity | undefined {
    const token = this.tokens[actor];
    if (token === undefined) return undefined;
    const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
    const { sub, roles } = JSON.parse(claims) as { sub: string; roles: string[] };
    return { subject: sub, roles };
  }

  /** What no answer to another buyer may have in it. */
  get secrets(): readonly string[] {
    return [this.orderId, this.packedId, this.identity('buyer')?.subject as string, 'buyer@access.test'];
  }

  close(): Promise<void> {
    return this.app.close();
  }
}

/** The claims of a token, with the signature of another. */
function forged(token: string): string {
  const [header, payload, signature = ''] = token.split('.');
  return [header, payload, [...signature].reverse().join('')].join('.');
}
