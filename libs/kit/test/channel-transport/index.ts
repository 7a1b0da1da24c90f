import type { CallTransport, Transport, TransportKind } from '@fledge/kit/transport';
import { IsInt, Max, Min } from 'class-validator';
import { ChannelCalls, type Exchange } from './channel-calls.js';
import { ChannelLog, ChannelStream } from './channel-log.js';

/** Its settings in a topology file. */
export class ChannelSettings {
  /** Hosts that may listen at one time, 1 to 1,000. */
  @IsInt()
  @Min(1)
  @Max(1_000)
  listeners = 100;
}

interface Hub {
  readonly exchange: Exchange;
  readonly stream: ChannelStream;
}

/** What all hosts of this process share, by namespace. */
const hubs = new Map<string, Hub>();

/** A transport between hosts of one process that share nothing but message channels and a stream. */
export function channelTransport(namespace: string, { listeners } = new ChannelSettings()): Transport {
  let hub = hubs.get(namespace);
  if (!hub) {
    hub = { exchange: new Map(), stream: new ChannelStream() };
    hubs.set(namespace, hub);
  }
  hub.stream.setMaxListeners(listeners);
  const calls: CallTransport = new ChannelCalls(hub.exchange);
  return Object.assign(calls, { name: 'channel', messageLog: new ChannelLog(hub.stream) });
}

/** The transport for an application's list. */
export const channel: TransportKind<ChannelSettings> = {
  name: 'channel',
  joinsServices: false,
  settings: ChannelSettings,
  create: (settings, { namespace }) => channelTransport(namespace, settings),
};
