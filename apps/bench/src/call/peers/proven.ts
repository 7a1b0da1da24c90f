import { createPrivateKey, createPublicKey } from 'node:crypto';
import { Host, type TrustOptions } from '@fledge/kit';
import { NatsTransport } from '@fledge/nats';
import { CallContext, now, runInContext } from '@fledge/kit/transport';
import { CommandBus } from '@nestjs/cqrs';
import { Place, placeFields } from '../message.js';
import type { Peer } from '../peer.js';
import { benchApplication } from './fledge.js';

const USER = { subject: '6f3f2c0e-7d0a-4a52-9b0a-0f7f4b1f2a11', roles: ['customer'] };
const REQUEST_MS = 10_000;

/** Both processes make the same throw-away key: PKCS#8 with the seed 1, 1, 1, … */
function trust(): TrustOptions {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 1)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const pinned = [createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('base64')];
  return { deployment: 'bench', signingKey: der.toString('base64'), keys: { bench: pinned, caller: pinned } };
}

function host(module: string, url: string, isProven: boolean): Promise<Host> {
  return new Host({
    application: benchApplication('sync'),
    modules: [module],
    transport: new NatsTransport({ url, namespace: 'bench' }),
    trust: isProven ? trust() : undefined,
  }).start();
}

/**
 * Two bounded modules in two processes; each call is a piece of work of its own, in which a user acts.
 * @param isProven by a passport, which one process signs and the other verifies; else the call only says so.
 */
export function fledgeForUser(isProven: boolean): Peer {
  return {
    serve: async (url) => void (await host('bench', url, isProven)),
    connect: async (url) => {
      const caller = await host('caller', url, isProven);
      const commands = caller.module('caller').get(CommandBus);
      const message = new Place(placeFields());
      return {
        call: () => {
          const work = new CallContext('caller', 'http', now() + REQUEST_MS, USER, undefined, undefined);
          return runInContext(work, () => commands.execute(message));
        },
        close: () => caller.close(),
      };
    },
  };
}
