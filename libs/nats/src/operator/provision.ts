import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import { type Deployment, foreignDeployment, type SystemGraph } from '@fledge/kit/transport';
import type { LogLimits } from '../jetstream/log-limits.js';
import { consumerName, deliverySubject, logSubject } from '../jetstream/names.js';
import { ACK_WAIT_MS, UNACKNOWLEDGED_MAX } from '../jetstream/provisioned-reader.js';
import { DEPLOYMENT, deploymentOf, provisionedStream, type WantedStream } from '../jetstream/stream-config.js';

/**
 * Makes the stream of a system, and for each module a consumer of what it may read: the events of the modules that it
 * uses and its own, and the commands for it. Changes those that exist and differ; deletes nothing else. Records in the
 * stream the deployment of the graph, if it names one.
 * @param again the modules whose consumer is made anew: they read the stream from its beginning, and skip what they know.
 * @returns what was done, a line for each.
 * @throws StartupError if the stream belongs to another deployment and is not adopted.
 */
export async function provision(
  connection: NatsConnection,
  graph: SystemGraph,
  limits: LogLimits,
  again: readonly string[] = [],
): Promise<readonly string[]> {
  const manager = await jetstreamManager(connection);
  const stream = provisionedStream(graph.namespace, limits);
  const lines = [`${stream.name}: ${await putStream(manager, stream, graph.deployment)}`];
  for (const { modules } of graph.services)
    for (const module of modules) {
      if (again.includes(module)) await dropConsumer(manager, stream.name, consumerName(module));
      lines.push(`${stream.name}, ${module}: ${await putConsumer(manager, stream.name, consumerOf(module, graph))}`);
    }
  return lines;
}

async function putStream({ streams }: JetStreamManager, wanted: WantedStream, deployment: Deployment | undefined) {
  const own = deployment && { [DEPLOYMENT]: deployment.id };
  let config: StreamConfig;
  try {
    ({ config } = await streams.info(wanted.name));
  } catch (error) {
    if (!(error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)) throw error;
    await streams.add({ ...wanted, ...(own && { metadata: own }) });
    return 'made';
  }
  const found = deploymentOf(config);
  if (deployment && found !== undefined && found !== deployment.id && found !== deployment.adopts)
    throw foreignDeployment(`the stream ${wanted.name}`, found, deployment.id);
  await streams.update(wanted.name, { ...wanted, ...(own && { metadata: { ...config.metadata, ...own } }) });
  return 'is as the topology says';
}

async function putConsumer({ consumers }: JetStreamManager, stream: string, wanted: ConsumerConfig) {
  const name = wanted.durable_name as string;
  try {
    await consumers.info(stream, name);
  } catch (error) {
    if (!(error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound)) throw error;
    await consumers.add(stream, wanted);
    return 'made';
  }
  await consumers.update(stream, name, wanted);
  return 'is as the contracts say';
}

async function dropConsumer({ consumers }: JetStreamManager, stream: string, name: string): Promise<void> {
  try {
    await consumers.delete(stream, name);
  } catch (error) {
    if (!(error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound)) throw error;
  }
}

function consumerOf(module: string, { namespace, uses }: SystemGraph): ConsumerConfig {
  const owners = [module, ...(uses[module] ?? [])].toSorted();
  return {
    durable_name: consumerName(module),
    deliver_subject: deliverySubject(namespace, module),
    deliver_policy: DeliverPolicy.All,
    // one acknowledgement for all messages that a transaction has stored
    ack_policy: AckPolicy.All,
    ack_wait: nanos(ACK_WAIT_MS),
    max_ack_pending: UNACKNOWLEDGED_MAX,
    filter_subjects: [
      ...owners.map((owner) => logSubject(namespace, 'event', `${owner}.*.*`)),
      logSubject(namespace, 'command', `${module}.*.*`, '*'),
    ],
  } as ConsumerConfig;
}
