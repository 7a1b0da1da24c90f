import { type BrokerOptions, ServiceBroker } from 'moleculer';
import { type Place, placeFields, receipt } from '../message.js';
import type { Caller, HandlerKind, Peer } from '../peer.js';

const ID = { type: 'uuid' };

/** The measured command as a schema for Moleculer's validator: the same checks as in the contract. */
const PARAMS = {
  orderId: ID,
  customerId: ID,
  currency: { type: 'string', max: 3 },
  at: { type: 'date', convert: true },
  lines: {
    type: 'array',
    min: 1,
    max: 100,
    items: {
      type: 'object',
      props: {
        productId: ID,
        quantity: { type: 'number', integer: true, min: 1 },
        priceMinor: { type: 'number', integer: true, min: 0 },
      },
    },
  },
};

function broker(options: BrokerOptions, handler: HandlerKind | undefined, validated: boolean): ServiceBroker {
  const made = new ServiceBroker({ logger: false, metrics: false, tracing: false, ...options, validator: validated });
  if (handler) {
    made.createService({
      name: 'bench',
      actions: {
        place: {
          ...(validated && { params: PARAMS }),
          handler:
            handler === 'async'
              ? async (context) => receipt(context.params as Place)
              : (context) => receipt(context.params as Place),
        },
      },
    });
  }
  return made;
}

async function callerOn(made: ServiceBroker): Promise<Caller> {
  await made.start();
  await made.waitForServices('bench');
  const message = placeFields();
  return { call: () => made.call('bench.place', message), close: () => made.stop() };
}

/** Moleculer's local call: its arguments are shared, not copied. */
export function moleculerLocal(handler: HandlerKind, validated: boolean, options: BrokerOptions = {}): Peer {
  return {
    connect: () => callerOn(broker(options, handler, validated)),
  };
}

/**
 * Moleculer's local call with what a Fledge call always has: a deadline, metrics, its validator, and a (shallow) copy
 * of its arguments.
 */
export function moleculerLocalAllOn(handler: HandlerKind): Peer {
  return moleculerLocal(handler, true, {
    requestTimeout: 10_000,
    metrics: { enabled: true, reporter: [] },
    contextParamsCloning: true,
  });
}

/** Moleculer's call over NATS, with its validator. */
export const moleculerNats: Peer = {
  serve: async (url) => broker({ transporter: url, nodeID: `callee-${process.pid}` }, 'sync', true).start(),
  connect: (url) => callerOn(broker({ transporter: url, nodeID: `caller-${process.pid}` }, undefined, true)),
};
