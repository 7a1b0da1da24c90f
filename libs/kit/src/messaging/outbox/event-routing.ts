import type { INestApplicationContext } from '@nestjs/common';
import { EventBus, type IEvent } from '@nestjs/cqrs';
import { providersOf } from '../../bus/index.js';
import { eventSpec } from '../../contract/index.js';
import { NoOpenTransaction } from './outbox-errors.js';
import type { Outbox } from './outbox.js';

type Publish = (event: IEvent, ...rest: unknown[]) => unknown;

/**
 * Routes every stock `EventBus` of a container: contract events go into the outbox, including those of an aggregate's
 * `commit()`. Private events stay on the stock path, which is in memory and is lost when the process ends.
 * @param outbox `undefined` for a module without tables, which cannot store events.
 */
export function attachEventBus(app: INestApplicationContext, module: string, outbox: Outbox | undefined): void {
  for (const { instance } of providersOf(app)) {
    if (instance instanceof EventBus) route(instance as EventBus<IEvent>, module, outbox);
  }
}

function route(bus: EventBus<IEvent>, module: string, outbox: Outbox | undefined): void {
  const stock = bus.publish.bind(bus) as Publish;
  const publish: Publish = (event, ...rest) => {
    const spec = eventSpec(event.constructor);
    if (spec === undefined) return stock(event, ...rest);
    if (outbox === undefined) throw new NoOpenTransaction(module, spec.name);
    outbox.addEvent(event);
    return undefined;
  };
  const publishAll = (events: readonly IEvent[], ...rest: unknown[]): unknown[] =>
    events.map((event) => publish(event, ...rest));
  Object.defineProperty(bus, 'publish', { value: publish, configurable: true });
  Object.defineProperty(bus, 'publishAll', { value: publishAll, configurable: true });
}
