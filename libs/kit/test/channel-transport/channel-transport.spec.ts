import { Host, parseTopology, type Topology, type TransportKind } from '@fledge/kit';
import { checkTransports, chooseTransport, knownTransports } from '../../src/host/choose-transport.js';
import { lawApplication } from '../../src/compliance/law/application.js';
import { IsUrl } from 'class-validator';
import { channel, type ChannelSettings } from './index.js';

const application = { ...lawApplication, transports: [channel] };
const MODULES = application.modules.map(({ contract }) => contract.name);

function read(text: string, services = `services: { all: { modules: [${MODULES.join(', ')}] } }`): Topology {
  return parseTopology('t.yaml', `${services}\n${text}`, {
    modules: MODULES,
    transports: knownTransports(application),
    env: {},
  });
}

function failureOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe("an application's own transport", () => {
  it('is chosen by its name in a topology file, with its own settings', async () => {
    const topology = read('transport: channel\nchannel: { listeners: 7 }');
    let made: unknown;
    const watched: TransportKind = {
      ...channel,
      create: (settings, place) => ((made = { settings, place }), channel.create(settings as ChannelSettings, place)),
    };
    const [service] = topology.services;
    const transport = await chooseTransport(
      { ...application, transports: [watched] },
      topology,
      service as NonNullable<typeof service>,
      '1.2.3',
    );
    expect(made).toEqual({
      settings: { listeners: 7 },
      place: { namespace: 'fledge', service: 'all', version: '1.2.3' },
    });
    const host = await new Host({ application, modules: MODULES.slice(0, 1), transport }).start();
    await host.close();
  });

  it.each([
    [
      'a setting out of its bounds',
      'channel: { listeners: 0 }',
      't.yaml:2:12: channel.listeners is 0. It must not be less than 1; default 100.',
    ],
    [
      'a setting that it does not have',
      'channel: { listener: 1 }',
      "t.yaml:2:12: unknown key 'channel.listener'. Did you mean 'listeners'?",
    ],
  ])('has its settings checked, with their place in the file: %s', (_, text, says) => {
    expect(failureOf(() => checkTransports(application, read(text)))).toEqual(
      expect.objectContaining({ message: says }),
    );
  });

  it('has its settings checked only where it is chosen or has settings', () => {
    class Address {
      @IsUrl()
      url!: string;
    }
    const needy = { ...application, transports: [{ ...channel, settings: Address } as TransportKind] };
    expect(checkTransports(needy, read(''))).toBeUndefined();
    expect(failureOf(() => checkTransports(needy, read('transport: channel')))).toEqual(
      expect.objectContaining({ message: expect.stringContaining('channel.url is not set') as string }),
    );
  });

  it('has one name, which its log must share', async () => {
    const topology = read('transport: channel');
    const [service] = topology.services;
    const other: TransportKind = {
      ...channel,
      create: (settings, place) => Object.assign(channel.create(settings as ChannelSettings, place), { name: 'nats' }),
    };
    await expect(
      chooseTransport(
        { ...application, transports: [other] },
        topology,
        service as NonNullable<typeof service>,
        undefined,
      ),
    ).rejects.toMatchObject({
      code: 'fledge.startup.transport-name',
      message: "the transport 'channel' calls itself or its log 'nats'",
    });
  });

  it('that reaches no other process allows only one replica', () => {
    const services = `services: { all: { modules: [${MODULES.join(', ')}], replicas: 2 } }`;
    expect(failureOf(() => read('transport: channel', services))).toEqual(
      expect.objectContaining({
        message:
          "t.yaml:1:1: the transport 'channel' reaches no other process, and the service 'all' has 2 replicas. Set its replicas to 1, or use another transport.",
      }),
    );
  });

  it('is listed among those that a file may use', () => {
    expect(failureOf(() => read('transport: chanel'))).toEqual(
      expect.objectContaining({
        message: "t.yaml:2:12: transport is 'chanel'. It may be 'local' or 'nats' or 'channel'.",
      }),
    );
  });

  it('that reaches no other process cannot connect services', () => {
    const [first, ...others] = MODULES;
    const services = `services:\n  a: { modules: [${first}] }\n  b: { modules: [${others.join(', ')}] }`;
    expect(failureOf(() => read('transport: channel', services))).toEqual(
      expect.objectContaining({
        message:
          "t.yaml:4:1: the transport 'channel' cannot join 2 services (a, b). Use 'transport: nats', or host all modules in one service.",
      }),
    );
  });

  it.each([
    ['Channel', 'which cannot be a name'],
    ['http', 'which already has a meaning in topology files'],
    ['channel', 'which another transport already has'],
  ])('cannot also be named %s', (name, flaw) => {
    const transports = [channel, { ...channel, name }];
    expect(failureOf(() => knownTransports({ ...application, transports }))).toEqual(
      expect.objectContaining({
        code: 'fledge.startup.transport-name',
        message: expect.stringContaining(flaw) as string,
      }),
    );
  });
});
