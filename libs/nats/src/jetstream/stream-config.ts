import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { LogLimits } from './log-limits.js';
import { logSubject, streamName } from './names.js';

const MAX_AGE_DEFAULT_MS = 3 * 86_400_000;
const DUPLICATE_WINDOW_DEFAULT_MS = 120_000;

/** Key in the metadata of a stream: the deployment that it belongs to. */
export const DEPLOYMENT = 'fledge-deployment';

/** The deployment that a stream belongs to; `undefined` for none. */
export function deploymentOf({ metadata }: StreamConfig): string | undefined {
  return metadata?.[DEPLOYMENT];
}

/** What a topology says of the stream. */
export interface WantedStream extends Partial<StreamConfig> {
  readonly name: string;
  readonly subjects: string[];
}

/** What the limits of a topology mean for the stream; those that it does not name are left as they are. */
export function limitsOf({
  maxAgeMs = MAX_AGE_DEFAULT_MS,
  duplicateWindowMs = DUPLICATE_WINDOW_DEFAULT_MS,
  replicas,
  maxBytes,
  maxMessageBytes,
}: LogLimits): Partial<StreamConfig> {
  return {
    max_age: nanos(maxAgeMs),
    // The broker refuses a window that is longer than the maximum age.
    duplicate_window: nanos(Math.min(duplicateWindowMs, maxAgeMs)),
    ...(replicas !== undefined && { num_replicas: replicas }),
    ...(maxBytes !== undefined && { max_bytes: maxBytes }),
    ...(maxMessageBytes !== undefined && { max_msg_size: maxMessageBytes }),
  };
}

/** The stream that a process of a system without an operator makes. */
export function plainStream(namespace: string, limits: LogLimits): WantedStream {
  return {
    name: streamName(namespace),
    subjects: [logSubject(namespace, 'event', '>'), logSubject(namespace, 'command', '>')],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    ...limitsOf(limits),
  };
}

/**
 * The stream that an operator makes: nobody can delete or purge its messages, and services may ask for the last message
 * on a subject of theirs.
 */
export function provisionedStream(namespace: string, limits: LogLimits): WantedStream {
  return {
    ...plainStream(namespace, limits),
    discard: DiscardPolicy.Old,
    deny_delete: true,
    deny_purge: true,
    allow_direct: true,
  };
}

/** In what a stream differs from what the topology says: `max_age is 1, but 2 is wanted`. */
export function differencesOf(wanted: Partial<StreamConfig>, found: StreamConfig): readonly string[] {
  return Object.entries(wanted).flatMap(([key, value]) => {
    const is: unknown = found[key as keyof StreamConfig];
    return JSON.stringify(is) === JSON.stringify(value)
      ? []
      : [`${key} is ${JSON.stringify(is) ?? 'not set'}, but ${JSON.stringify(value)} is wanted`];
  });
}
