import { randomBytes } from 'node:crypto';
import { Command, CommandBus, CommandHandler } from '@nestjs/cqrs';
import { IsBoolean } from 'class-validator';
import { Counter } from 'prom-client';
import { BoundedModule } from '../bus/index.js';
import { CommandContract, ContractError, defineContract, ErrorContract } from '../contract/index.js';
import { testNatsUrl } from '../testing/index.js';
import { LocalTransport, type Transport } from '../transport/index.js';
import { NatsTransport } from '@fledge/nats';
import { Host } from './host.js';

@ErrorContract('bell.broken.v1', { kind: 'conflict', hint: 'Mend it.' })
class Broken extends ContractError {}

@CommandContract('bell.ring.v1', { errors: [Broken] })
class Ring extends Command<void> {
  @IsBoolean() readonly isBroken: boolean;
  constructor(isBroken: boolean) {
    super();
    this.isBroken = isBroken;
  }
}

@CommandHandler(Ring)
class RingHandler {
  execute({ isBroken }: Ring): void {
    if (isBroken) throw new Broken('no sound');
  }
}

const Bell = defineContract({ name: 'bell', commands: [Ring] });
const Door = defineContract({ name: 'door' });
@BoundedModule({ contract: Bell, providers: [RingHandler] })
class BellModule {}
@BoundedModule({ contract: Door, uses: [Bell] })
class DoorModule {}

const TRANSPORTS: [string, () => Transport][] = [
  ['local', () => new LocalTransport()],
  ['nats', () => new NatsTransport({ url: testNatsUrl(), namespace: `bells${randomBytes(4).toString('hex')}` })],
];

describe.each(TRANSPORTS)('the metrics of a host, over %s', (name, transport) => {
  let host: Host;
  const lines = async (): Promise<string[]> => {
    const response = await fetch(`http://127.0.0.1:${host.port}/metrics`);
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    return (await response.text()).split('\n');
  };

  beforeAll(async () => {
    host = new Host({
      application: {
        name: 'house',
        modules: [
          { contract: Bell, load: () => Promise.resolve(BellModule) },
          { contract: Door, load: () => Promise.resolve(DoorModule) },
        ],
      },
      modules: ['bell', 'door'],
      transport: transport(),
      http: { port: 0 },
      logger: false,
    });
    await host.start();
  });
  afterAll(() => host.close());

  it('count calls by caller, module, message, transport and outcome', async () => {
    const commands = host.module('door').get(CommandBus);
    await commands.execute(new Ring(false));
    await commands.execute(new Ring(false));
    await expect(commands.execute(new Ring(true))).rejects.toBeInstanceOf(Broken);
    await expect(commands.execute(new Ring('yes' as never))).rejects.toMatchObject({ code: 'fledge.invalid-message' });
    const labels = (outcome: string): string =>
      `{caller="door",module="bell",message="bell.ring.v1",transport="${name}",outcome="${outcome}"}`;
    expect(await lines()).toEqual(
      expect.arrayContaining([
        '# TYPE fledge_call_duration_seconds histogram',
        `fledge_call_duration_seconds_count${labels('ok')} 2`,
        `fledge_call_duration_seconds_count${labels('declared-error')} 1`,
        `fledge_call_duration_seconds_count${labels('invalid')} 1`,
      ]),
    );
  });

  it('are those of the process, too', async () => {
    expect(await lines()).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^process_cpu_seconds_total \d/),
        expect.stringMatching(/^nodejs_eventloop_lag_seconds \d/),
      ]),
    );
  });

  // what came after the start was not served
  it('are joined by what an application adds at any time', async () => {
    new Counter({ name: 'rings_total', help: 'Rings.', registers: [host.registry] }).inc(3);
    expect(await lines()).toContain('rings_total 3');
  });
});
