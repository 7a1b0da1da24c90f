import { randomUUID } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { Command } from '@nestjs/cqrs';
import { Catalogue, type CompiledMessage, ModuleServer } from '../../boundary/index.js';
import { AccessDenied, CommandContract, defineContract } from '../../contract/index.js';
import type { StoredMessage } from '../../transport/index.js';
import { discoverConsumers } from './discover-consumers.js';

@CommandContract('bank.charge.v1', { access: { identity: 'required', callers: ['shop'] } })
class Charge extends Command<void> {}

const Bank = defineContract({ name: 'bank', commands: [Charge] });

describe('the consumer of a command', () => {
  // durable commands of a module to itself became dead letters, though its calls of itself are not checked
  it('checks the access rule for other modules, and not for its own', async () => {
    const catalogue = new Catalogue([Bank]);
    const server = new ModuleServer(
      'bank',
      catalogue.of('bank'),
      { inFlightMax: 1, callerShare: 100 },
      () => undefined,
      undefined,
      undefined,
      undefined,
    );
    let runs = 0;
    server.handle(catalogue.message(Charge) as CompiledMessage, { execute: () => Promise.resolve(runs++) });
    const empty = { get: () => new Map() } as unknown as INestApplicationContext;
    const [consumer] = discoverConsumers(
      empty,
      { contract: Bank, uses: [], entities: [], migrations: [] },
      catalogue,
      server,
    );
    const from = (source: string): StoredMessage => ({
      id: randomUUID(),
      kind: 'command',
      name: 'bank.charge.v1',
      source,
      target: 'bank',
      key: 'k',
      payload: '{}',
      headers: {},
      occurredAt: new Date().toISOString(),
    });
    await expect(consumer?.handle(from('stranger'))).rejects.toBeInstanceOf(AccessDenied);
    await expect(consumer?.handle(from('shop'))).rejects.toBeInstanceOf(AccessDenied);
    expect(runs).toBe(0);
    await consumer?.handle(from('bank'));
    expect(runs).toBe(1);
  });
});
