import { setTimeout as delay } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Settlement } from './settlement.js';

/** Milliseconds between two rounds. */
const ROUND_EVERY_MS = 5_000;

/** Settles orders in the background, from the start to the stop of the module. Every replica may. */
@Injectable()
export class SettlementRounds implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(SettlementRounds.name);
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly settlement: Settlement) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (;;) {
      // Rejects when the module stops, which is what the next line asks.
      await delay(ROUND_EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.settlement.round();
      } catch (error) {
        this.logger.warn(`Orders wait to be settled: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}
