import type { INestApplicationContext } from '@nestjs/common';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { type Catalogue, classCodec, type CompiledEvent } from '../../boundary/index.js';
import { type BoundedModuleSpec, providerClass, providersOf } from '../../bus/index.js';
import { eventSpec, shapeOf, StartupError } from '../../contract/index.js';
import { resolveRules } from '../consumers/consumer.js';
import type { Outbox } from '../outbox/outbox.js';
import type { Sql } from '../storage/sql.js';
import {
  type EventReaction,
  type ProcessSpec,
  processSpec,
  type Reaction,
  reactionsOf,
  type StateClass,
} from './decorators.js';
import type { OpenRun } from './open-run.js';
import { type EventMethod, ProcessConsumer } from './process-consumer.js';
import { ProcessStore } from './process-store.js';

/** What the processes of a module need. */
export interface ProcessRoom {
  readonly spec: BoundedModuleSpec;
  readonly catalogue: Catalogue;
  readonly sql: Sql;
  readonly outbox: Pick<Outbox, 'addCommand'>;
  /** Called for each timer that a run sets, with the milliseconds until it is due, right before the commit. */
  readonly onTimer?: (inMs: number) => void;
}

/** An instance of a process class: its methods by name. */
type Methods = Readonly<Record<string, (...args: unknown[]) => unknown>>;

/** A class among a container's providers. */
interface Found {
  readonly cls: { readonly name: string };
  readonly wrapper: InstanceWrapper;
  readonly reactions: readonly Reaction[];
}

/** Whether a class reacts to events or timers as a process. */
export function isProcess(cls: object): boolean {
  return processSpec(cls) !== undefined || reactionsOf(cls).length > 0;
}

/** The names of the process classes among a container's providers. */
export function processNames(app: INestApplicationContext): readonly string[] {
  return processClasses(app).map(({ cls }) => cls.name);
}

/**
 * The processes among a container's providers, as durable consumers.
 * @param others the module's other consumers, whose names are taken.
 * @throws StartupError for one without a name, two with the same name, and incomplete reactions, timers or state.
 */
export function discoverProcesses(
  app: INestApplicationContext,
  room: ProcessRoom,
  others: readonly { readonly name: string }[] = [],
): ProcessConsumer[] {
  const takenBy = new Map(others.map(({ name }) => [name, 'a consumer']));
  const consumers: ProcessConsumer[] = [];
  for (const found of processClasses(app)) {
    const spec = specOf(found);
    const other = takenBy.get(spec.name);
    if (other !== undefined)
      throw new StartupError(
        'process-twice',
        `${other} and the process ${found.cls.name} are both named '${spec.name}'`,
        'Give each its own name: both keep what they have handled under it.',
        { process: spec.name },
      );
    takenBy.set(spec.name, found.cls.name);
    consumers.push(consumerOf(found, spec, room));
  }
  return consumers;
}

function processClasses(app: INestApplicationContext): readonly Found[] {
  const found = new Map<object, Found>();
  for (const wrapper of providersOf(app)) {
    const cls = providerClass(wrapper);
    if (cls !== undefined && isProcess(cls) && !found.has(cls))
      found.set(cls, { cls, wrapper, reactions: reactionsOf(cls) });
  }
  return [...found.values()];
}

function specOf({ cls, wrapper, reactions }: Found): ProcessSpec {
  const spec = processSpec(cls);
  if (!spec)
    throw new StartupError(
      'process-unnamed',
      `${cls.name} reacts to events and is no process`,
      "Add @Process('a-name', { state }) above it: its runs are kept under this name, whatever the class is called.",
    );
  if (!wrapper.isDependencyTreeStatic())
    throw new StartupError(
      'process-scope',
      `the process ${cls.name} is made anew for each request, and an event comes without one`,
      'Leave `scope` out of it and of what it injects.',
    );
  if (!reactions.some(({ on }) => on === 'starts'))
    throw new StartupError(
      'process-without-start',
      `no event starts the process ${cls.name}`,
      'Add @Starts(Event, keyOf) to one of its methods.',
    );
  checkState(cls.name, spec.options.state);
  return spec;
}

function checkState(process: string, State: StateClass): void {
  const fields = new Set(shapeOf(State).fields.map(({ name }) => name));
  const bare = Object.keys(new State()).filter((name) => !fields.has(name));
  if (bare.length === 0) return;
  throw new StartupError(
    'process-state',
    `${State.name}, the state of ${process}, has fields without a check: ${bare.join(', ')}`,
    'Decorate them with class-validator, as the fields of a view: the state is stored as JSON.',
    { fields: bare },
  );
}

function consumerOf(found: Found, { name, options }: ProcessSpec, room: ProcessRoom): ProcessConsumer {
  const { cls, wrapper, reactions } = found;
  const { spec, catalogue, sql, outbox, onTimer } = room;
  const methods = wrapper.instance as Methods;
  const reachable = new Set([spec.contract, ...spec.uses].map((contract) => contract.name));
  const timers = timersOf(cls.name, methods, reactions);
  return new ProcessConsumer({
    rules: resolveRules(options, cls.name),
    state: options.state,
    codec: classCodec(`the state of ${name}`, options.state),
    events: eventsOf(cls.name, methods, reactions, (event) => reachableEvent(cls.name, event, reachable, catalogue)),
    timers,
    context: {
      process: name,
      module: spec.contract.name,
      reachable,
      timers: new Set(timers.keys()),
      catalogue,
      outbox,
    },
    store: new ProcessStore(sql),
    ...(onTimer && { onTimer }),
  });
}

function eventsOf(
  process: string,
  methods: Methods,
  reactions: readonly Reaction[],
  compiled: (event: EventReaction) => CompiledEvent,
): Map<string, EventMethod> {
  const events = new Map<string, EventMethod>();
  for (const reaction of reactions) {
    if (reaction.on === 'timer') continue;
    const event = compiled(reaction);
    if (events.has(event.name)) {
      throw new StartupError(
        'process-event-twice',
        `${process} reacts twice to '${event.name}'`,
        'Keep one method for it: one with @Starts also goes on with a run that there is.',
        { event: event.name },
      );
    }
    const { keyOf, method } = reaction;
    events.set(event.name, {
      event,
      starts: reaction.on === 'starts',
      keyOf: keyOf as (event: object) => unknown,
      call: (value, run) => methods[method]?.(value, run),
    });
  }
  return events;
}

function timersOf(
  process: string,
  methods: Methods,
  reactions: readonly Reaction[],
): Map<string, (run: OpenRun) => unknown> {
  const timers = new Map<string, (run: OpenRun) => unknown>();
  for (const reaction of reactions) {
    if (reaction.on !== 'timer') continue;
    const { timer, method } = reaction;
    if (timers.has(timer))
      throw new StartupError(
        'process-timer-twice',
        `${process} handles the timer '${timer}' twice`,
        'Keep one method for it.',
        { timer },
      );
    timers.set(timer, (run) => methods[method]?.(run));
  }
  return timers;
}

function reachableEvent(
  process: string,
  { event, method }: EventReaction,
  reachable: ReadonlySet<string>,
  catalogue: Catalogue,
): CompiledEvent {
  const compiled = catalogue.event(event);
  if (compiled && reachable.has(compiled.module)) return compiled;
  const wire = eventSpec(event)?.name ?? event.name;
  throw new StartupError(
    'process-event-foreign',
    `${process}.${method} reacts to '${wire}', ${compiled ? `an event of ${compiled.module}, whose contract is not in \`uses\`` : 'which no contract lists'}`,
    compiled
      ? `Add the contract of ${compiled.module} to \`uses\` of the module.`
      : `List ${event.name} in \`events\` of its contract.`,
    { event: wire },
  );
}
