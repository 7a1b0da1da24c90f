import 'reflect-metadata';
import { Query } from '@nestjs/cqrs';
import { IsString } from 'class-validator';
import { NatsTransport } from '@fledge/nats';
import { Catalogue, type CompiledMessage, ModuleClient, ModuleServer } from '../../src/boundary/index.js';
import { CALL_LIMITS_DEFAULT, CallerNotAllowed, defineContract, QueryContract } from '../../src/contract/index.js';
import { testNatsUrl } from '../../src/testing/index.js';
import { LocalTransport, type Transport } from '../../src/transport/index.js';
import { channelTransport } from '../channel-transport/index.js';
import { freshNamespace } from './worlds.js';

@QueryContract('shelf.look.v1', { result: String })
class Look extends Query<string> {
  @IsString() for!: string;
}
const ShelfContract = defineContract({ name: 'shelf', queries: [Look] });

const TRANSPORTS: readonly [string, (namespace: string) => Transport][] = [
  ['local', () => new LocalTransport()],
  ['nats', (namespace) => new NatsTransport({ url: testNatsUrl(), namespace })],
  ['channel', channelTransport],
];

describe.each(TRANSPORTS)('who may call, over %s', (_, transportOf) => {
  it('is decided by the module that is called: only modules of its application', async () => {
    const transport = transportOf(freshNamespace());
    const catalogue = new Catalogue([ShelfContract]);
    const look = catalogue.message(Look) as CompiledMessage;
    const callers = new Set(['desk']);
    const server = new ModuleServer(
      'shelf',
      [look],
      CALL_LIMITS_DEFAULT,
      () => undefined,
      undefined,
      undefined,
      callers,
    );
    const ran: string[] = [];
    server.handle(look, { execute: (message) => (ran.push((message as Look).for), 'here') });
    await transport.start();
    try {
      await transport.serve(server);
      const callAs = (caller: string): Promise<unknown> =>
        new ModuleClient(caller, look, transport.sender(caller, look), { record: () => undefined }).execute(
          Object.assign(new Look(), { for: caller }),
        );
      expect(await callAs('desk')).toBe('here');
      const refused = await callAs('stranger').catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(CallerNotAllowed);
      expect(refused).toMatchObject({
        code: 'fledge.caller-not-allowed',
        kind: 'internal',
        outcome: 'not-run',
        caller: 'stranger',
        contract: 'shelf.look.v1',
      });
      expect(ran).toEqual(['desk']);
    } finally {
      await transport.drain();
      await transport.close();
    }
  });
});
