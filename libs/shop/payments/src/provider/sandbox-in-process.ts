import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { plainToInstance } from 'class-transformer';
import { DataSource } from 'typeorm';
import { deliverTo } from '../sandbox/deliver.js';
import { PostgresBook } from '../sandbox/postgres-book.js';
import { Sandbox } from '../sandbox/sandbox.js';
import { PaymentsSettings } from '../settings.js';
import { WebhookBody } from '../webhooks/webhook-body.js';
import { Webhooks } from '../webhooks/webhooks.js';

/**
 * Without the setting `providerUrl`: starts the sandbox provider, on a free port of this machine. Its book is a table,
 * so that all replicas share it and it survives them.
 */
@Injectable()
export class SandboxInProcess implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger('sandbox');
  private sandbox: Sandbox | undefined;

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly settings: PaymentsSettings,
    private readonly webhooks: Webhooks,
  ) {}

  /** The provider's address. */
  get url(): string {
    const url = this.settings.providerUrl ?? this.sandbox?.url;
    if (url === undefined) throw new Error('the sandbox has not started');
    return url;
  }

  async onModuleInit(): Promise<void> {
    const { providerUrl, webhookUrl, webhookSecret, sandboxSlowMs, sandboxLateMs } = this.settings;
    if (providerUrl !== undefined) return;
    this.sandbox = await Sandbox.start({
      book: new PostgresBook(this.dataSource),
      deliver: webhookUrl === undefined ? (body) => this.handOver(body) : deliverTo(webhookUrl, webhookSecret),
      slowMs: sandboxSlowMs,
      lateMs: sandboxLateMs,
      onFailure: (error) => this.logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    });
    this.logger.log(
      'Payments go to the sandbox provider: no money moves. Set `providerUrl` of payments for a real one.',
    );
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.sandbox?.close();
  }

  /** Within one process, webhooks need no signature and no address. */
  private async handOver(body: string): Promise<boolean> {
    await this.webhooks.take(plainToInstance(WebhookBody, JSON.parse(body)));
    return true;
  }
}
