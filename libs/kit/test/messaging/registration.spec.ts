import { BoundedModule, Consumer, Host, LocalTransport } from '@fledge/kit';
import { defineContract, EventContract } from '@fledge/kit/contract';
import { freshDatabase } from '@fledge/kit/testing';
import { EventsHandler, type IEventHandler } from '@nestjs/cqrs';
import { IsString } from 'class-validator';
import { openModuleData } from '../../src/data/index.js';
import { forgetConsumer } from '../../src/messaging/forget-consumer.js';
import { MESSAGING_MIGRATIONS } from '../../src/messaging/schema.js';
import { sqlOf } from '../../src/messaging/sql.js';

@EventContract('gossip.heard.v1', { key: 'who' })
class Heard {
  @IsString() readonly who!: string;
}

@Consumer('ears')
@EventsHandler(Heard)
class Ears implements IEventHandler<Heard> {
  handle(): void {}
}

const Gossip = defineContract({ name: 'gossip', events: [Heard] });
@BoundedModule({ contract: Gossip, providers: [Ears] })
class GossipModule {}

it('a consumer that is forgotten while its replica is starting is known again once it has started', async () => {
  const database = await freshDatabase();
  const source = await openModuleData({ module: 'gossip', url: database.url, entities: [], migrations: MESSAGING_MIGRATIONS });
  const sql = sqlOf(source);
  const known = () => sql.rows('select name from message_consumer');
  class WhileStarting extends LocalTransport {
    override async serve(...args: Parameters<LocalTransport['serve']>): Promise<void> {
      expect(await known()).toEqual([{ name: 'ears' }]);
      await forgetConsumer(sql, 'ears');
      return super.serve(...args);
    }
  }
  const host = new Host({ application: { name: 'talk', modules: [{ contract: Gossip, load: () => Promise.resolve(GossipModule) }] }, modules: ['gossip'], transport: new WhileStarting(), database: { url: database.url }, logger: false });
  await host.start();
  expect(await known()).toEqual([{ name: 'ears' }]);
  await expect(forgetConsumer(sql, 'ears')).rejects.toMatchObject({ code: 'fledge.consumer-in-use' });
  await host.close();
  await source.destroy();
  await database.drop();
});
