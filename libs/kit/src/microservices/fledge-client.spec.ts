import 'reflect-metadata';
import { Query } from '@nestjs/cqrs';
import { IsInt } from 'class-validator';
import { firstValueFrom } from 'rxjs';
import { CallContext, currentContext, runInContext } from '../boundary/index.js';
import { defineContract, type Fields, QueryContract } from '../contract/index.js';
import type { CallTransport } from '../transport/index.js';
import { FledgeClient } from './fledge-client.js';

@QueryContract('pots.volume.v1', { result: Number })
class VolumeOf extends Query<number> {
  @IsInt() id!: number;
  constructor(fields: Fields<VolumeOf>) {
    super();
    Object.assign(this, fields);
  }
}

const PotsContract = defineContract({ name: 'pots', queries: [VolumeOf] });

/** The work of a durable message: a promise that it leaves behind counts as its failure. */
class Attempt extends CallContext {
  readonly reasons: unknown[] = [];

  constructor() {
    super('kettles', 'job', Infinity, undefined, undefined, undefined);
  }

  override rejected(reason: unknown): boolean {
    this.reasons.push(reason);
    return true;
  }
}

/** What the host asks when a promise that was made in a transport is rejected, and nobody has awaited it. */
const reported: unknown[] = [];
const leftBehind = new Error('left behind');

/** A transport of an application, which leaves a promise behind. */
const careless: CallTransport = {
  start: () => Promise.resolve(),
  isConnected: () => true,
  serve: () => Promise.resolve(),
  sender: () => (_message, call) =>
    queueMicrotask(() => {
      reported.push(currentContext()?.rejected(leftBehind));
      call.succeed(7);
    }),
  drain: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

it('counts what a transport leaves behind in a call as a failure of the work that called', async () => {
  const client = new FledgeClient({ transport: careless, contracts: [PotsContract] });
  try {
    const attempt = new Attempt();
    const call = (): Promise<number> => firstValueFrom(client.send(VolumeOf, { id: 1 }));
    expect(await runInContext(attempt, call)).toBe(7);
    expect(attempt.reasons).toEqual([leftBehind]);
    // outside of any work there is none that could fail
    expect(await call()).toBe(7);
    expect(reported).toEqual([true, false]);
  } finally {
    await client.close();
  }
});
