import { randomBytes } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { NatsTransport } from '@fledge/nats';
import { DataSource } from 'typeorm';
import { type Deployment, Host, LocalTransport, type Transport } from '../../src/index.js';
import { freshDatabase, type FreshDatabase, testNatsUrl } from '../../src/testing/index.js';
import { travel } from '../process/trip.js';

Logger.overrideLogger(false);

describe('the deployment that a process belongs to', () => {
  const hosts: Host[] = [];
  const databases: FreshDatabase[] = [];
  let namespace: string;
  let database: FreshDatabase;

  beforeEach(async () => {
    namespace = `deploy-${randomBytes(4).toString('hex')}`;
    database = await newDatabase();
  });
  afterEach(async () => {
    for (const host of hosts.splice(0)) await host.close();
    for (const one of databases.splice(0)) await one.drop();
  });

  const newDatabase = async (): Promise<FreshDatabase> => {
    const made = await freshDatabase();
    databases.push(made);
    return made;
  };
  const nats = (): Transport => new NatsTransport({ url: testNatsUrl(), namespace });
  const start = async (deployment?: Deployment, on = database, transport = nats()): Promise<Host> => {
    const host = new Host({ application: travel, modules: ['hotel'], transport, database: on, deployment });
    hosts.push(host);
    return host.start();
  };
  const recorded = (host: Host): Promise<unknown> =>
    host.module('hotel').get(DataSource, { strict: false }).query('select id from fledge_deployment');
  const inStream = async (change?: 'delete'): Promise<string | undefined> => {
    const client = await connect({ servers: testNatsUrl() });
    try {
      const { streams } = await jetstreamManager(client);
      const { metadata } = (await streams.info(`${namespace}-messages`)).config;
      if (change === 'delete') await streams.delete(`${namespace}-messages`);
      return metadata?.['fledge-deployment'];
    } finally {
      await client.close();
    }
  };
  const refusal = (start: Promise<Host>): Promise<{ code: string; message: string; hint: string }> =>
    start.then(
      () => Promise.reject(new Error('the process has started')),
      (error: { code: string; message: string; hint: string }) => error,
    );

  it('is recorded in a database and a stream that have none, beside replicas that do not know of it', async () => {
    const older = await start();
    expect([await recorded(older), await inStream()]).toEqual([[], undefined]);
    const host = await start({ id: 'blue' });
    expect([await recorded(host), await inStream()]).toEqual([[{ id: 'blue' }], 'blue']);
    await start({ id: 'blue' });
    await start();
  });

  it('keeps it from the database of another one', async () => {
    await start({ id: 'blue' }, database, new LocalTransport());
    const error = await refusal(start({ id: 'green' }));
    expect(error.code).toBe('fledge.startup.deployment');
    expect(error.message).toBe("the database of hotel belongs to the deployment 'blue', and this process to 'green'");
    expect(error.hint).toContain('FLEDGE_ADOPT_DEPLOYMENT=blue');
  });

  it('keeps it from the stream of another one, with a database of its own', async () => {
    await start({ id: 'blue' });
    const error = await refusal(start({ id: 'green' }, await newDatabase()));
    expect(error.code).toBe('fledge.startup.deployment');
    expect(error.message).toBe(
      `the stream ${namespace}-messages belongs to the deployment 'blue', and this process to 'green'`,
    );
    expect(await inStream()).toBe('blue');
  });

  it('takes over what is named, and nothing else', async () => {
    await (await start({ id: 'blue' })).close();
    expect(await refusal(start({ id: 'green', adopts: 'red' }))).toMatchObject({ code: 'fledge.startup.deployment' });
    const host = await start({ id: 'green', adopts: 'blue' });
    expect([await recorded(host), await inStream()]).toEqual([[{ id: 'green' }], 'green']);
    expect(await refusal(start({ id: 'blue' }))).toMatchObject({ code: 'fledge.startup.deployment' });
  });

  it('is recorded again in a stream that was lost', async () => {
    await (await start({ id: 'blue' })).close();
    await inStream('delete');
    await start({ id: 'blue' });
    expect(await inStream()).toBe('blue');
  });
});
