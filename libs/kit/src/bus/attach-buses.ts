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
import type { MethodHandler } from './handles.js';
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
 * clients of their modules, the module's own and private ones stay on the stock path, or go to a method with `@Handles`,
 * and those of any other contract are refused.
 */
export function attachBuses(
  app: INestApplicationContext,
  module: string,
  moduleClients: ModuleClients,
  catalogue: Catalogue,
  methods: readonly MethodHandler[],
): void {
  const own = new Map(methods.map((handler) => [handler.message, handler]));
  for (const { instance } of providersOf(app)) {
    if (instance instanceof CommandBus || instance instanceof QueryBus)
      route(instance, module, moduleClients, catalogue, own);
  }
}

type Bus = CommandBus | QueryBus;
type Execute = (message: ICommand | IQuery, context?: never) => Promise<unknown>;

function route(
  bus: Bus,
  module: string,
  moduleClients: ModuleClients,
  catalogue: Catalogue,
  methods: ReadonlyMap<Class, MethodHandler>,
): void {
  const toStock = bus.execute.bind(bus) as Execute;
  const [kind, call]: ['command' | 'query', BusCall] =
    bus instanceof CommandBus ? ['command', 'commandBus.execute'] : ['query', 'queryBus.execute'];
  const own: Execute = async (message, context) => {
    const method = methods.get(message.constructor as unknown as Class);
    if (method !== undefined && messageSpec(method.message)?.kind === kind) return method.call(message);
    return toStock(message, context);
  };
  const execute: Execute = (message, context) => {
    const cls = message?.constructor as unknown as Class | undefined;
    const moduleClient = moduleClients.get(cls as Class);
    if (moduleClient !== undefined) return moduleClient.execute(message);
    if (!isInstance(message)) return Promise.reject(new NotAMessage(module, call, message));
    return (
      elsewhere(module, cls, catalogue) ??
      own(message, context).catch((error: unknown) => {
        if (isUnhandled(error)) throw new NoHandler(module, call, cls as Class);
        throw error;
      })
    );
  };
  Object.defineProperty(bus, 'execute', { value: execute, configurable: true });
}

/** Tells the client proxies of a container which module is their caller. */
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

// The keys under which @nestjs/cqrs stores the arguments of @CommandHandler and @QueryHandler; it does not export them.
const HANDLER_KEYS = ['__commandHandler__', '__queryHandler__'] as const;

/** What handles a message. */
interface Found {
  /** For texts. */
  readonly name: string;
  /** The same for the same handler, however often it is provided. */
  readonly identity: unknown;
  readonly handlerOf: (message: CompiledMessage) => Handler;
}

/** Finds the handler of each of a module's contract messages, a class or a method, and gives it to the module server. */
export function bindHandlers(
  app: INestApplicationContext,
  moduleServer: ModuleServer,
  methods: readonly MethodHandler[],
): void {
  const found = new Map<Class, Found>();
  const add = (cls: Class, handler: Found): void => {
    const other = found.get(cls);
    if (other && other.identity !== handler.identity) {
      throw new StartupError(
        'handler-twice',
        `${cls.name} is handled by ${other.name} and by ${handler.name} in ${moduleServer.module}`,
        'Keep one handler.',
      );
    }
    refuseForeign(moduleServer, handler.name, cls);
    found.set(cls, handler);
  };
  for (const wrapper of providersOf(app)) {
    const cls = handledBy(wrapper);
    const handlerOf = (message: CompiledMessage): Handler => handlerIn(app, wrapper, message);
    if (cls) add(cls, { name: wrapper.name as string, identity: wrapper.metatype, handlerOf });
  }
  for (const { message, name, call } of methods)
    add(message, { name, identity: name, handlerOf: () => ({ execute: call }) });
  for (const message of moduleServer.messages) {
    const handler = found.get(message.cls);
    if (!handler) {
      const decorator = message.kind === 'command' ? '@CommandHandler' : '@QueryHandler';
      throw new StartupError(
        'handler-missing',
        `${moduleServer.module} has '${message.name}' in its contract but no handler for it`,
        `Add a provider with ${decorator}(${message.cls.name}) to the module, or @Handles(${message.cls.name}) to a method of one.`,
      );
    }
    moduleServer.handle(message, handler.handlerOf(message));
  }
}

/** Refuses a handler that no call could reach: its message belongs to the contract of another module. */
function refuseForeign(moduleServer: ModuleServer, handler: string, cls: Class): void {
  const spec = messageSpec(cls);
  if (!spec || moduleServer.messages.some((message) => message.cls === cls)) return;
  throw new StartupError(
    'handler-foreign',
    `${handler} of ${moduleServer.module} handles '${spec.name}', which the contract of ${moduleServer.module} does not list`,
    `If ${cls.name} belongs to ${moduleServer.module}, list it in its contract; otherwise move the handler to the module that owns the message.`,
  );
}

function handledBy(wrapper: InstanceWrapper): Class | undefined {
  const cls = providerClass(wrapper);
  if (cls === undefined) return undefined;
  return HANDLER_KEYS.map((key) => Reflect.getMetadata(key, cls) as Class | undefined).find(Boolean);
}

/** The handler's instance or, if one is created per message, the stock bus, which does so. */
function handlerIn(app: INestApplicationContext, wrapper: InstanceWrapper, message: CompiledMessage): Handler {
  if (wrapper.isDependencyTreeStatic()) return wrapper.instance as Handler;
  const bus = app.get<{ execute: Execute }>(message.kind === 'command' ? CommandBus : QueryBus, { strict: false });
  return { execute: (input) => bus.execute(input as ICommand) };
}
