import { BoundedModule, Host, LocalTransport, type Application, type Transport } from '@fledge/kit';
import { NatsTransport } from '@fledge/nats';
import { defineContract } from '@fledge/kit/contract';
import { CommandBus, CommandHandler } from '@nestjs/cqrs';
import type { Caller, HandlerKind, Peer } from '../peer.js';
import { BenchContract, type BenchReceipt, Place, placeFields, receipt } from '../message.js';

@CommandHandler(Place)
class PlaceHandler {
  execute(command: Place): BenchReceipt {
    return receipt(command);
  }
}

@CommandHandler(Place)
class AsyncPlaceHandler {
  async execute(command: Place): Promise<BenchReceipt> {
    return receipt(command);
  }
}

@BoundedModule({ contract: BenchContract, providers: [PlaceHandler] })
class BenchModule {}

@BoundedModule({ contract: BenchContract, providers: [AsyncPlaceHandler] })
class AsyncBenchModule {}

const CallerContract = defineContract({ name: 'caller' });

@BoundedModule({ contract: CallerContract, uses: [BenchContract] })
class CallerModule {}

/** The measured application. */
export function benchApplication(handler: HandlerKind): Application {
  return {
    name: 'bench',
    modules: [
      { contract: BenchContract, load: () => Promise.resolve(handler === 'async' ? AsyncBenchModule : BenchModule) },
      { contract: CallerContract, load: () => Promise.resolve(CallerModule) },
    ],
  };
}

async function start(modules: readonly string[], transport: Transport, handler: HandlerKind): Promise<Host> {
  return new Host({ application: benchApplication(handler), modules, transport }).start();
}

function callerOn(host: Host): Caller {
  const commands = host.module('caller').get(CommandBus);
  const message = new Place(placeFields());
  return { call: () => commands.execute(message), close: () => host.close() };
}

/** Two bounded modules in one process: validation, copies both ways, deadline, context and metrics, as always. */
export function fledgeLocal(handler: HandlerKind): Peer {
  return {
    connect: async () => callerOn(await start(['bench', 'caller'], new LocalTransport(), handler)),
  };
}

/**
 * The same, with an SDK that makes two spans of each call, and drops them: what tracing costs before anything is sent.
 * @param sampled the share of traces that are recorded.
 */
export function fledgeTraced(handler: HandlerKind, sampled: number): Peer {
  return {
    connect: async () => {
      const { NodeSDK, tracing } = await import('@opentelemetry/sdk-node');
      new NodeSDK({
        spanProcessors: [new tracing.NoopSpanProcessor()],
        sampler: new tracing.TraceIdRatioBasedSampler(sampled),
        metricReaders: [],
        logRecordProcessors: [],
        autoDetectResources: false,
      }).start();
      return callerOn(await start(['bench', 'caller'], new LocalTransport(), handler));
    },
  };
}

/** Two bounded modules in two processes. */
export const fledgeNats: Peer = {
  serve: async (url) => {
    await start(['bench'], new NatsTransport({ url, namespace: 'bench' }), 'sync');
  },
  connect: async (url) => callerOn(await start(['caller'], new NatsTransport({ url, namespace: 'bench' }), 'sync')),
};
