/**
 * The parts of a message's subject; no module's name starts with an underscore, so they cannot collide with those of
 * calls.
 */
export type LogKind = 'event' | 'command';

/** The stream of a namespace. */
export function streamName(namespace: string): string {
  return `${namespace}-messages`;
}

/** The durable consumer of a module, made by `fledge nats provision`. */
export function consumerName(module: string): string {
  return module;
}

/**
 * Where the broker delivers what a module's consumer reads. It is set by the operator: a consumer that is asked for
 * messages delivers them to whatever subject the request names for its answer.
 */
export function deliverySubject(namespace: string, module: string): string {
  return `${namespace}._deliver.${module}`;
}

/**
 * The subject of a message: `shop._event.ordering.order-placed.v1`, or of a command with the module that sends it:
 * `shop._command.inventory.release-stock.v1.ordering`.
 */
export function logSubject(namespace: string, kind: LogKind, wireName: string, source?: string): string {
  const subject = `${namespace}._${kind}.${wireName}`;
  return source === undefined ? subject : `${subject}.${source}`;
}
