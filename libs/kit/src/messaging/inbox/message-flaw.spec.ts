import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Command } from '@nestjs/cqrs';
import { IsString } from 'class-validator';
import { Catalogue } from '../../boundary/index.js';
import { CommandContract, defineContract, EventContract } from '../../contract/index.js';
import type { StoredMessage } from '../../transport/index.js';
import { flawOf, type Senders } from './message-flaw.js';

@EventContract('payments.captured.v1', { key: 'orderId' })
class Captured {
  @IsString() orderId!: string;
}
@CommandContract('payments.capture.v1')
class Capture extends Command<void> {
  @IsString() orderId!: string;
}
const Payments = defineContract({ name: 'payments', commands: [Capture], events: [Captured] });
const senders: Senders = {
  catalogue: new Catalogue([Payments]),
  admits: (module) => ['payments', 'ordering'].includes(module),
};
const event = (of: Partial<StoredMessage> = {}): StoredMessage => ({
  id: randomUUID(),
  kind: 'event',
  name: 'payments.captured.v1',
  source: 'payments',
  target: undefined,
  key: 'o-1',
  payload: '{"orderId":"o-1"}',
  headers: {},
  occurredAt: new Date().toISOString(),
  ...of,
});

describe('a message from outside of the process', () => {
  it('is sound as its owner published it, and in a version that is not known here', () => {
    expect(flawOf(event(), senders)).toBeUndefined();
    expect(flawOf(event({ name: 'payments.captured.v2', payload: '{}' }), senders)).toBeUndefined();
  });

  it.each([
    [{ source: 'ordering' }, 'it is an event of payments, and comes from ordering'],
    [{ key: 'o-2' }, 'its key is not the `orderId` of its payload'],
    [{ payload: '{}' }, 'its key is not the `orderId` of its payload'],
    [{ payload: '{"orderId":7}', key: '7' }, 'its key is not the `orderId` of its payload'],
    [{ payload: '{"orderId":' }, 'its payload is no JSON'],
    [{ payload: 'null' }, 'its payload is no object'],
  ])('is none of the owner with %j', (of, why) => {
    expect(flawOf(event(of), senders)).toBe(why);
  });

  it('is a command of a module of the application', () => {
    const command = { kind: 'command', name: 'payments.capture.v1', target: 'payments' } as const;
    expect(flawOf(event({ ...command, source: 'ordering' }), senders)).toBeUndefined();
    expect(flawOf(event({ ...command, source: 'stranger' }), senders)).toBe('stranger is no module of the application');
  });
});
