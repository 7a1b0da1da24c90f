import type { INestApplicationContext } from '@nestjs/common';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import {
  CommandBus,
  CommandHandlerNotFoundException,
  EventBus,
  type ICommand,
  type IEvent,
  type IQuery,
  QueryBus,
  QueryHandlerNotFoundException,
} from '@nestjs/cqrs';
import type { Catalogue, CompiledMessage, Handler, ModuleServer, ModuleClient } from '../boundary/index.js';
import { type Class, type Contract, messageSpec, StartupError, UndeclaredDependency } from '../contract/index.js';
import { CALLS_MODULES, type CallingModule, type ModuleCaller } from '../transport/index.js';
import { type BusCall, isInstance, NoHandler, NotAMessage } from './errors.js';
import { providerClass, providersOf } from './providers.js';

/** The clients of a module: one for each message of the contracts it uses. */
export type ModuleClients = ReadonlyMap<Class, ModuleClient>;

/** Creates the clients of a module; a used contract that the application does not know stops the start. */
export function clientsOf(
  module: string,
  uses: readonly Contract[],
  catalogue: Catalogue,
  make: (message: CompiledMessage) => ModuleClient,
): ModuleClients {
  const moduleClients = new Map<Class, ModuleClient>();
  for (const contract of uses) {
    if (catalogue.contract(contract.name) === undefined) {
      throw new StartupError(
        'unknown-contract',
        `${module} uses the contract of '${contract.name}', which the application does not list`,
        "Add the module to the application's list of modules.",
      );
    }
    if (contract.name === module) {
      throw new StartupError(
        'uses-itself',
        `${module} names its own contract in \`uses\``,
        'Remove it: a module reaches its own handlers directly.',
      );
    }
    for (const message of catalogue.of(contract.name)) moduleClients.set(message.cls, make(message));
  }
  return moduleClients;
}

/**
 * Refuses anything but instances of classes in a container's `EventBus`, as the stock bus silently accepts plain
 * objects. Call it after everything else that routes events is attached, so that this check comes first. If one event
 * of a list is refused, none of the list is published.
 */
export function guardEventBuses(app: INestApplicationContext, module: string): void {
  for (const { instance } of providersOf(app)) {
    if (!(instance instanceof EventBus)) continue;
    const bus = instance as EventBus<IEvent>;
    const publish = bus.publish.bind(bus) as Publish;
    const publishAll = bus.publishAll.bind(bus) as Publish;
    Object.defineProperty(bus, 'publish', {
      value: (event: unknown, ...rest: unknown[]) => publish(checkedEvent(module, event), ...rest),
      configurable: true,
    });
    Object.defineProperty(bus, 'publishAll', {
      value: (events: readonly unknown[], ...rest: unknown[]) =>
        publishAll(
          events.map((event) => checkedEvent(module, event)),
          ...rest,
        ),
      configurable: true,
    });
  }
}

type Publish = (events: unknown, ...rest: unknown[]) => unknown;

function checkedEvent(module: string, event: unknown): object {
  if (!isInstance(event)) throw new NotAMessage(module, 'eventBus.publish', event);
  return event;
}

/**
 * Routes every stock `CommandBus` and `QueryBus` of a container over the boundary: messages of used contracts go to the
 * clients of their modules, the module's own and private ones stay on the stock path, and those of any other contract
 * are refused.
 */
export function attachBuses(
  app: INestApplicationContext,
  module: string,
  moduleClients: ModuleClients,
  catalogue: Catalogue,
): void {
  for (const { instance } of providersOf(app)) {
    if (instance instanceof CommandBus || instance instanceof QueryBus)
      route(instance, module, moduleClients, catalogue);
  }
}

type Bus = CommandBus | QueryBus;
type Execute = (message: ICommand | IQuery, context?: never) => Promise<unknown>;

function route(bus: Bus, module: string, moduleClients: ModuleClients, catalogue: Catalogue): void {
  const stock = bus.execute.bind(bus) as Execute;
  const call: BusCall = bus instanceof CommandBus ? 'commandBus.execute' : 'queryBus.execute';
  const execute: Execute = (message, context) => {
    const cls = message?.constructor as unknown as Class | undefined;
    const moduleClient = moduleClients.get(cls as Class);
    if (moduleClient !== undefined) return moduleClient.execute(message);
    if (!isInstance(message)) return Promise.reject(new NotAMessage(module, call, message));
    return (
      elsewhere(module, cls, catalogue) ??
      unthrown(stock, message, context).catch((error: unknown) => {
        if (isUnhandled(error)) throw new NoHandler(module, call, cls as Class);
        throw error;
      })
    );
  };
  Object.defineProperty(bus, 'execute', { value: execute, configurable: true });
}

/** Tells the client proxies of a container for which module they call. */
export function attachCallers(app: INestApplicationContext, port: CallingModule): void {
  for (const { instance } of providersOf(app)) {
    if (isCaller(instance)) instance[CALLS_MODULES](port);
  }
}

function isCaller(instance: unknown): instance is ModuleCaller {
  return typeof instance === 'object' && instance !== null && CALLS_MODULES in instance;
}

function isUnhandled(error: unknown): boolean {
  return error instanceof CommandHandlerNotFoundException || error instanceof QueryHandlerNotFoundException;
}

/** A refusal, if the message belongs to the contract of another module. */
function elsewhere(module: string, cls: Class | undefined, catalogue: Catalogue): Promise<never> | undefined {
  const spec = cls && messageSpec(cls);
  if (!spec) return undefined;
  if (catalogue.message(cls)?.module === module) return undefined;
  return Promise.reject(new UndeclaredDependency(module, spec.name));
}

/** The stock command bus throws synchronously when a handler is missing; here, every call returns a promise. */
function unthrown(stock: Execute, message: ICommand | IQuery, context?: never): Promise<unknown> {
  try {
    return stock(message, context);
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}

// The keys under which @nestjs/cqrs stores the arguments of @CommandHandler and @QueryHandler; it does not export them.
const HANDLER_KEYS = ['__commandHandler__', '__queryHandler__'] as const;

/** Finds the stock handler of each of a module's contract messages and gives it to the module server. */
export function bindHandlers(app: INestApplicationContext, moduleServer: ModuleServer): void {
  const found = new Map<Class, InstanceWrapper>();
  for (const wrapper of providersOf(app)) {
    const cls = handledBy(wrapper);
    if (!cls) continue;
    const other = found.get(cls);
    if (other && other.metatype !== wrapper.metatype) {
      throw new StartupError(
        'handler-twice',
        `${cls.name} is handled by ${other.name} and by ${wrapper.name} in ${moduleServer.module}`,
        'Keep one handler.',
      );
    }
    refuseForeign(moduleServer, wrapper, cls);
    found.set(cls, wrapper);
  }
  for (const message of moduleServer.messages) {
    const wrapper = found.get(message.cls);
    if (!wrapper) {
      const decorator = message.kind === 'command' ? '@CommandHandler' : '@QueryHandler';
      throw new StartupError(
        'handler-missing',
        `${moduleServer.module} has '${message.name}' in its contract but no handler for it`,
        `Add a provider with ${decorator}(${message.cls.name}) to the module.`,
      );
    }
    moduleServer.handle(message, handlerOf(app, wrapper, message));
  }
}

/** Refuses a handler that no call could reach: its message belongs to the contract of another module. */
function refuseForeign(moduleServer: ModuleServer, handler: InstanceWrapper, cls: Class): void {
  const spec = messageSpec(cls);
  if (!spec || moduleServer.messages.some((message) => message.cls === cls)) return;
  throw new StartupError(
    'handler-foreign',
    `${handler.name} of ${moduleServer.module} handles '${spec.name}', which the contract of ${moduleServer.module} does not list`,
    `If ${cls.name} belongs to ${moduleServer.module}, list it in its contract; otherwise move the handler to the module that owns the message.`,
  );
}

function handledBy(wrapper: InstanceWrapper): Class | undefined {
  const cls = providerClass(wrapper);
  if (cls === undefined) return undefined;
  return HANDLER_KEYS.map((key) => Reflect.getMetadata(key, cls) as Class | undefined).find(Boolean);
}

/** The handler's instance or, if one is created per message, the stock bus, which does so. */
function handlerOf(app: INestApplicationContext, wrapper: InstanceWrapper, message: CompiledMessage): Handler {
  if (wrapper.isDependencyTreeStatic()) return wrapper.instance as Handler;
  const bus = app.get<{ execute: Execute }>(message.kind === 'command' ? CommandBus : QueryBus, { strict: false });
  return { execute: (input) => bus.execute(input as ICommand) };
}
