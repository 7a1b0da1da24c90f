import { type Application, BoundedModule, Host } from '@fledge/kit';
import { defineContract } from '@fledge/kit/contract';
import { FledgeClient, fledgeOverNats, FledgeStrategy, patternSubjectOf, subjectOf } from '@fledge/kit/microservices';
import { NatsTransport } from '@fledge/nats';
import { Controller } from '@nestjs/common';
import { ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { BenchContract, type BenchReceipt, Place, placeFields, receipt } from '../message.js';
import type { Peer } from '../peer.js';
import { fledgeNats } from './fledge.js';
import { nestNats } from './nest.js';

const NAMESPACE = 'bench';
const PatternContract = defineContract({ name: 'pattern' });

@Controller()
class PlaceController {
  @MessagePattern('place')
  place(command: Place): BenchReceipt {
    return receipt(command);
  }
}

@BoundedModule({ contract: PatternContract, controllers: [PlaceController] })
class PatternModule {}

const APPLICATION: Application = {
  name: 'bench',
  modules: [
    {
      contract: PatternContract,
      load: () => Promise.resolve(PatternModule),
      nest: { beforeInit: (app) => void app.connectMicroservice({ strategy: new FledgeStrategy() }) },
    },
  ],
};

/** The callees of all peers: in one process, since those that are not called cost nothing. */
export const callees: NonNullable<Peer['serve']> = async (url) => {
  await fledgeNats.serve?.(url);
  await nestNats.serve?.(url);
  const transport = new NatsTransport({ url, namespace: NAMESPACE });
  await new Host({ application: APPLICATION, modules: ['pattern'], transport }).start();
};

/** A `FledgeClient` outside of any module. */
function ours(pattern: unknown): Peer {
  return {
    connect: async (url) => {
      const client = new FledgeClient({
        transport: new NatsTransport({ url, namespace: NAMESPACE }),
        contracts: [BenchContract],
        module: 'pattern',
      });
      await client.connect();
      const message = placeFields();
      return { call: () => lastValueFrom(client.send(pattern, message)), close: () => client.close() };
    },
  };
}

/** The stock client of Nest, with the kit's serializer and deserializer. */
function stock(subject: string): Peer {
  return {
    connect: async (url) => {
      const options = { servers: [url], ...fledgeOverNats({ contracts: [BenchContract] }) };
      const client = ClientProxyFactory.create({ transport: Transport.NATS, options });
      await client.connect();
      const message = placeFields();
      return {
        call: () => lastValueFrom(client.send(subject, message)),
        close: async () => void (await client.close()),
      };
    },
  };
}

export const oursToContract = ours(Place);
export const stockToContract = stock(subjectOf(NAMESPACE, Place));
export const oursToPattern = ours('place');
export const stockToPattern = stock(patternSubjectOf(NAMESPACE, 'pattern', 'place'));
