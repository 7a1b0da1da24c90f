import type { INestApplicationContext } from '@nestjs/common';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import {
  type Catalogue,
  type CompiledEvent,
  type CompiledMessage,
  currentContext,
  type ModuleServer,
} from '../../boundary/index.js';
import { type BoundedModuleSpec, providerClass, providersOf } from '../../bus/index.js';
import { type Class, eventSpec, InvalidMessage, StartupError } from '../../contract/index.js';
import type { StoredMessage } from '../../transport/index.js';
import { consumerSpec, type DurableConsumer, familyOf, resolveRules } from './consumer.js';
import { UnknownVersion } from './delivery-errors.js';

// The metadata key of @EventsHandler; @nestjs/cqrs does not export it.
const EVENTS_HANDLED = '__eventsHandler__';

/**
 * The durable consumers among a container's stock providers: `@EventsHandler`s of contract events, and the handlers of
 * the module's commands, which processes of other modules may send.
 * @throws StartupError for a handler that has no durable name, handles an event that the module does not use, or is
 * request-scoped.
 */
export function discoverConsumers(
  app: INestApplicationContext,
  spec: BoundedModuleSpec,
  catalogue: Catalogue,
  moduleServer: ModuleServer,
): DurableConsumer[] {
  const found = new Map<string, DurableConsumer>();
  for (const wrapper of new Set(providersOf(app))) {
    const consumer = eventConsumer(wrapper, spec, catalogue);
    if (!consumer) continue;
    if (found.has(consumer.name))
      throw new StartupError(
        'consumer-twice',
        `two consumers of ${spec.contract.name} are named '${consumer.name}'`,
        'Give each handler class a name of its own with @Consumer.',
      );
    found.set(consumer.name, consumer);
  }
  return [...found.values(), ...commandConsumers(moduleServer)];
}

function eventConsumer(
  wrapper: InstanceWrapper,
  spec: BoundedModuleSpec,
  catalogue: Catalogue,
): DurableConsumer | undefined {
  const cls = providerClass(wrapper);
  if (cls === undefined) return undefined;
  const handled = ((Reflect.getMetadata(EVENTS_HANDLED, cls) as Class[] | undefined) ?? []).filter(
    (event) => eventSpec(event) !== undefined,
  );
  if (handled.length === 0) return undefined;
  const own = consumerSpec(cls);
  if (own?.name === undefined) {
    throw new StartupError(
      'consumer-unnamed',
      `${cls.name} of ${spec.contract.name} handles events of contracts and has no durable name`,
      "Add @Consumer('a-name') above its @EventsHandler: what it has handled is kept under this name, whatever the class is called.",
    );
  }
  if (!wrapper.isDependencyTreeStatic()) {
    throw new StartupError(
      'consumer-scope',
      `${cls.name} of ${spec.contract.name} is made anew for each request, and an event comes without one`,
      'Leave `scope` out of it and of what it injects.',
    );
  }
  const events = new Map(
    handled.map((event) => [
      compiledEvent(event, cls, spec, catalogue).name,
      compiledEvent(event, cls, spec, catalogue),
    ]),
  );
  const handler = wrapper.instance as { handle(event: object): unknown };
  return {
    name: own.name,
    kind: 'event',
    takes: [...new Set([...events.keys()].map(familyOf))],
    knows: [...events.keys()],
    rules: resolveRules(own.options, cls.name),
    handle: async (message) => {
      const event = events.get(message.name);
      if (!event) throw new UnknownVersion(own.name as string, message.name);
      await handler.handle(decodeEvent(event, message));
    },
  };
}

function compiledEvent(
  event: Class,
  handler: { readonly name: string },
  spec: BoundedModuleSpec,
  catalogue: Catalogue,
): CompiledEvent {
  const compiled = catalogue.event(event);
  const { name } = spec.contract;
  if (compiled && (compiled.module === name || spec.uses.some((used) => used.name === compiled.module)))
    return compiled;
  const wire = eventSpec(event)?.name ?? event.name;
  throw new StartupError(
    'consumer-event',
    `${handler.name} of ${name} handles '${wire}', ${compiled ? `an event of ${compiled.module}, whose contract ${name} does not use` : 'which no contract lists'}`,
    compiled
      ? `Add the contract of ${compiled.module} to \`uses\` of ${name}.`
      : `List ${event.name} in \`events\` of its contract.`,
  );
}

/** An event as its handler receives it: validated, with real instances of the contract's classes. */
export function decodeEvent(event: CompiledEvent, message: StoredMessage): object {
  return event.codec.decode(parsed(message)) as object;
}

/** Every command that the module handles can also be sent durably. */
function commandConsumers(moduleServer: ModuleServer): DurableConsumer[] {
  // what a module sends to itself crosses no boundary
  const denialOf = (command: CompiledMessage, caller: string, input: object): Error | undefined =>
    caller === moduleServer.module
      ? undefined
      : moduleServer.denial(command, { caller, identity: currentContext()?.identity }, input);
  return moduleServer.messages.flatMap((command) => {
    const handler = moduleServer.handlerOf(command);
    if (command.kind !== 'command' || handler === undefined) return [];
    const name = familyOf(command.name);
    return {
      name,
      kind: 'command' as const,
      takes: [name],
      knows: [command.name],
      rules: resolveRules(consumerSpec(handler.constructor)?.options ?? {}, handler.constructor.name),
      handle: async (message: StoredMessage) => {
        if (message.name !== command.name) throw new UnknownVersion(name, message.name);
        const input = command.input.decode(parsed(message)) as object;
        const denial = denialOf(command, message.source, input);
        if (denial !== undefined) throw denial;
        await handler.execute(input);
      },
    };
  });
}

function parsed({ name, payload }: StoredMessage): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    throw new InvalidMessage(name, [{ path: '', rule: 'json', message: 'is no JSON' }]);
  }
}
