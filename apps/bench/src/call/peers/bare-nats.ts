import { connect } from '@nats-io/transport-node';
import { type Place, placeFields, receipt } from '../message.js';
import type { Peer } from '../peer.js';

/** Only the client's own `request()`, with JSON both ways. */
export const bareNats: Peer = {
  serve: async (url) => {
    const connection = await connect({ servers: url });
    connection.subscribe('bench.bare', {
      queue: 'bench',
      callback: (error, message) => {
        if (error) throw error;
        message.respond(JSON.stringify(receipt(message.json<Place>())));
      },
    });
    await connection.flush();
  },
  connect: async (url) => {
    const connection = await connect({ servers: url });
    const message = placeFields();
    return {
      call: async () => (await connection.request('bench.bare', JSON.stringify(message), { timeout: 10_000 })).json(),
      close: () => connection.close(),
    };
  },
};
