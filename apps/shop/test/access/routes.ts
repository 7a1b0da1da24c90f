import { type INestApplication, RequestMethod } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { randomBytes, randomUUID } from 'node:crypto';
import { type Actor, MODULES, type ShopOfAll } from './shop-of-all.js';

/** A request that is right in all but, perhaps, who sends it. */
export interface SampleRequest {
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How a route is tried. */
export interface RouteSample {
  /** By somebody who tries; each gets its own, so that one attempt does not change what the next finds. */
  readonly request: (world: ShopOfAll, actor: Actor) => SampleRequest;
  /** What a user needs before, in a cart. Default: nothing. */
  readonly cart?: boolean;
  /** Whether the answer may tell everybody of everybody: the mailbox of development. Default: no. */
  readonly tellsAll?: boolean;
}

const at = (path: string): RouteSample => ({ request: () => ({ path }) });
const newName = (): string => randomUUID().slice(0, 8);

const NO_SESSION = randomBytes(32).toString('base64url');

/** Every route, by its method and path as Nest has them, in the order in which they are tried. */
export const ROUTES: Readonly<Record<string, RouteSample>> = {
  'POST /auth/register': {
    request: () => ({
      path: '/auth/register',
      body: { email: `${newName()}@access.test`, password: 'correct-horse-battery' },
    }),
  },
  'POST /auth/login': {
    request: () => ({ path: '/auth/login', body: { email: 'staff@shop.test', password: 'staff-demo-password' } }),
  },
  // of a session that nobody has: the token is what opens it, whoever brings it
  'POST /auth/refresh': { request: () => ({ path: '/auth/refresh', body: { refreshToken: NO_SESSION } }) },
  'POST /auth/logout': { request: () => ({ path: '/auth/logout', body: { refreshToken: NO_SESSION } }) },
  'GET /users/me': at('/users/me'),
  'GET /.well-known/jwks.json': at('/.well-known/jwks.json'),
  'GET /categories': at('/categories'),
  'POST /categories': { request: () => ({ path: '/categories', body: { id: `c-${newName()}`, name: 'Some' } }) },
  'GET /products': at('/products?categoryId=access'),
  'GET /products/:id': { request: ({ productId }) => ({ path: `/products/${productId}` }) },
  'POST /products': {
    request: () => ({
      path: '/products',
      body: { sku: `A-${newName().toUpperCase()}`, name: 'New', priceMinor: 1, currency: 'EUR', categoryId: 'access' },
    }),
  },
  'PATCH /products/:id': {
    request: ({ productId }) => ({ path: `/products/${productId}`, body: { description: 'changed' } }),
  },
  'GET /stock/:productId': { request: ({ productId }) => ({ path: `/stock/${productId}` }) },
  'POST /stock/receipts': {
    request: ({ productId }) => ({
      path: '/stock/receipts',
      body: { productId, quantity: 1, reference: `receipt ${newName()}` },
    }),
  },
  'GET /cart': { cart: true, ...at('/cart') },
  'POST /cart/items': {
    request: ({ productId }) => ({ path: '/cart/items', body: { productId, quantity: 1 } }),
  },
  'PATCH /cart/items/:productId': {
    cart: true,
    request: ({ productId }) => ({ path: `/cart/items/${productId}`, body: { quantity: 2 } }),
  },
  'DELETE /cart/items/:productId': {
    cart: true,
    request: ({ productId }) => ({ path: `/cart/items/${productId}` }),
  },
  'POST /orders': { cart: true, request: () => ({ path: '/orders', body: {} }) },
  'GET /orders': at('/orders'),
  'GET /orders/:id': { request: ({ packedId }) => ({ path: `/orders/${packedId}` }) },
  'POST /orders/:id/refund': { request: ({ packedId }) => ({ path: `/orders/${packedId}/refund`, body: {} }) },
  'POST /orders/:id/cancel': { request: ({ orderId }) => ({ path: `/orders/${orderId}/cancel` }) },
  'GET /payments': at('/payments'),
  'GET /payments/:orderId': { request: ({ packedId }) => ({ path: `/payments/${packedId}` }) },
  'POST /payments/webhooks': {
    request: () => ({
      path: '/payments/webhooks',
      body: {
        id: 'evt_1',
        type: 'operation.settled',
        key: `${randomUUID()}:capture`,
        operation: 'capture',
        orderId: randomUUID(),
        reference: 'ref_1',
        status: 'approved',
      },
      headers: { 'payment-signature': 't=1,v1=00' },
    }),
  },
  'GET /shipments': at('/shipments'),
  'GET /shipments/:orderId': { request: ({ packedId }) => ({ path: `/shipments/${packedId}` }) },
  'POST /shipments/:orderId/dispatch': {
    request: ({ packedId }) => ({ path: `/shipments/${packedId}/dispatch` }),
  },
  'GET /notifications': at('/notifications'),
  'GET /notifications/mailbox': { tellsAll: true, ...at('/notifications/mailbox') },
  'GET /notifications/mailbox/:id': { request: () => ({ path: `/notifications/mailbox/${randomUUID()}` }) },
};

/** Every route that the controllers of the shop serve, also those that its OpenAPI document leaves out. */
export function routesOf(world: ShopOfAll): string[] {
  return MODULES.flatMap(({ name }) => routesIn(world.app.module(name))).sort();
}

function routesIn(app: INestApplication): string[] {
  const scanner = new MetadataScanner();
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.controllers.values()]);
  return controllers.flatMap(({ metatype }) => {
    if (typeof metatype !== 'function') return [];
    const prototype = metatype.prototype as Readonly<Record<string, object>>;
    return scanner.getAllMethodNames(prototype).flatMap((name) => {
      const handler = prototype[name] as object;
      const method = Reflect.getMetadata('method', handler) as RequestMethod | undefined;
      if (method === undefined) return [];
      const parts = [metatype, handler].map((part) => Reflect.getMetadata('path', part) as string);
      const path = parts.flatMap((part) => part.split('/')).filter((part) => part !== '');
      return `${RequestMethod[method]} /${path.join('/')}`;
    });
  });
}
