import { replyOf } from './wire-message.js';
import type { Endpoint } from './endpoint.js';
import { INBOXES } from './subjects.js';
import type { Subscription, Wire } from './wire.js';

/** A replica of a module, as the NATS service protocol (ADR-32) identifies it. */
export interface ServiceIdentity {
  /** The module. */
  readonly name: string;
  /** Unique to this replica. */
  readonly id: string;
  /** Semantic version of the deployment. */
  readonly version: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly queueGroup: string;
}

const NANOS_PER_MS = 1_000_000;

/**
 * Answers `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`, whether addressed to all services, to the module or to this
 * replica's id, so that `nats micro ls`, `info` and `stats` show it. Written by hand because the client's service
 * framework needs a subscription and a class for each endpoint.
 */
export class ServiceProtocol {
  private readonly started = new Date();
  private subscriptions: Subscription[] = [];

  constructor(
    private readonly wire: Wire,
    private readonly service: ServiceIdentity,
    private readonly endpoints: readonly Endpoint[],
  ) {}

  open(): void {
    const { name, id } = this.service;
    const answers = { PING: () => this.ping(), INFO: () => this.info(), STATS: () => this.stats() };
    for (const [verb, answer] of Object.entries(answers)) {
      for (const subject of [`$SRV.${verb}`, `$SRV.${verb}.${name}`, `$SRV.${verb}.${name}.${id}`]) {
        this.subscriptions.push(
          this.wire.subscribe(subject, undefined, (delivery) => {
            const reply = replyOf(delivery);
            // a reply to any other subject would be a message that whoever asks may not send there
            if (reply.startsWith(INBOXES)) this.wire.publish(reply, '', '', JSON.stringify(answer()));
          }),
        );
      }
    }
  }

  async drain(): Promise<void> {
    await Promise.all(this.subscriptions.map((subscription) => subscription.drain()));
  }

  private ping(): object {
    const { name, id, version, metadata } = this.service;
    return { type: 'io.nats.micro.v1.ping_response', name, id, version, metadata };
  }

  private info(): object {
    const { description } = this.service;
    const endpoints = this.endpoints.map((endpoint) => ({
      ...this.endpointOf(endpoint),
      metadata: metadataOf(endpoint),
    }));
    return { ...this.ping(), type: 'io.nats.micro.v1.info_response', description, endpoints };
  }

  private stats(): object {
    const endpoints = this.endpoints.map((endpoint) => ({
      ...this.endpointOf(endpoint),
      num_requests: endpoint.requests,
      num_errors: endpoint.errors,
      last_error: endpoint.lastError,
      processing_time: Math.round(endpoint.processingMs * NANOS_PER_MS),
      average_processing_time:
        endpoint.requests === 0 ? 0 : Math.round((endpoint.processingMs / endpoint.requests) * NANOS_PER_MS),
    }));
    return { ...this.ping(), type: 'io.nats.micro.v1.stats_response', started: this.started.toISOString(), endpoints };
  }

  private endpointOf(endpoint: Endpoint): { name: string; subject: string; queue_group: string } {
    // The protocol allows no dots in a name: `inventory.reserve-stock.v1` is listed as `reserve-stock-v1`.
    const name = endpoint.message.name.slice(this.service.name.length + 1).replaceAll('.', '-');
    return { name, subject: endpoint.subject, queue_group: this.service.queueGroup };
  }
}

function metadataOf({ message }: Endpoint): Record<string, string> {
  return {
    kind: message.kind,
    deadline_ms: String(message.deadlineMs),
    idempotent: String(message.idempotent),
    errors: [...message.errorsByName.keys()].join(','),
  };
}
