import 'reflect-metadata';
import { type Class, eventSpec, StartupError } from '../../contract/index.js';
import { checkConsumerName, type ConsumerOptions, resolveRules } from '../consumers/consumer.js';
import type { Run } from './run.js';

/** The state of a process: a class with class-validator fields and a constructor without arguments, like a view. */
export type StateClass<S extends object = object> = new () => S;

/** The state of a process, and the options of `@Consumer`. Its handlers always run in the kit's transaction. */
export interface ProcessOptions<S extends object = object> extends Omit<ConsumerOptions, 'transaction'> {
  /** What a run keeps between its events, stored as JSON. Every field needs a class-validator decorator. */
  readonly state: StateClass<S>;
}

/** The arguments of `@Process`. */
export interface ProcessSpec {
  readonly name: string;
  readonly options: ProcessOptions;
}

/** A process method's reaction to an event. */
export interface EventReaction {
  readonly on: 'starts' | 'continues';
  readonly event: Class;
  readonly keyOf: (event: never) => string;
  readonly method: string;
}

/** A process method's reaction to one of the process's timers. */
export interface TimerReaction {
  readonly on: 'timer';
  readonly timer: string;
  readonly method: string;
}

/** What a method of a process reacts to. */
export type Reaction = EventReaction | TimerReaction;

/** Decorates a method whose type it checks. */
export type MethodOf<M> = <T extends M>(target: object, method: string, descriptor: TypedPropertyDescriptor<T>) => void;

const PROCESS = Symbol.for('fledge.process');
const REACTIONS = 'fledge:reactions';

/**
 * Makes a provider a process: a durable, stateful reaction to events, with one run per key. Everything its methods do
 * is committed in one transaction with the event that they react to: the state, the commands sent, the timers, and
 * whatever else the module stores. An event for a run that never started, or has finished, is ignored.
 * @param name up to 63 lower-case letters, digits and hyphens, beginning with a letter. It is stored in the tables and
 * must never change.
 */
export function Process<S extends object>(name: string, options: ProcessOptions<S>): ClassDecorator {
  return (target) => {
    checkConsumerName(name, target.name);
    resolveRules(options, target.name);
    Object.defineProperty(target, PROCESS, { value: { name, options } satisfies ProcessSpec });
  };
}

/**
 * The method starts a run: it is called when `event` arrives for a key without a run, and like `@Continues` when there
 * is one. Two events that start the same run create one, whichever arrives first.
 * @param keyOf names the run that the event is for; 1 to 200 characters.
 */
export function Starts<E extends object>(
  event: Class<E>,
  keyOf: (event: E) => string,
): MethodOf<(event: E, run: Run<never>) => unknown> {
  return (target, method) =>
    addReaction(target, { on: 'starts', event: checkedEvent(event, target, method), keyOf, method });
}

/** The method continues a run: it is called when `event` arrives for a key whose run has started and not finished. */
export function Continues<E extends object>(
  event: Class<E>,
  keyOf: (event: E) => string,
): MethodOf<(event: E, run: Run<never>) => unknown> {
  return (target, method) =>
    addReaction(target, { on: 'continues', event: checkedEvent(event, target, method), keyOf, method });
}

/**
 * The method is called once, when a timer that the run set under this name is due, even after a restart. It is not
 * called for a timer that was cancelled or replaced in the meantime.
 */
export function OnTimer(timer: string): MethodOf<(run: Run<never>) => unknown> {
  return (target, method) => {
    checkConsumerName(timer, `${target.constructor.name}.${method} for a timer`);
    addReaction(target, { on: 'timer', timer, method });
  };
}

/** The arguments of a class's `@Process`, if it has one. */
export function processSpec(cls: object): ProcessSpec | undefined {
  return Object.hasOwn(cls, PROCESS) ? (cls as { [PROCESS]: ProcessSpec })[PROCESS] : undefined;
}

/** The reactions of a class and its superclasses, in the order of their decorators. */
export function reactionsOf(cls: object): readonly Reaction[] {
  return (Reflect.getMetadata(REACTIONS, cls) as readonly Reaction[] | undefined) ?? [];
}

function addReaction(target: object, reaction: Reaction): void {
  const cls = target.constructor;
  Reflect.defineMetadata(REACTIONS, [...reactionsOf(cls), reaction], cls);
}

function checkedEvent<E extends object>(event: Class<E> | undefined, target: object, method: string): Class<E> {
  const where = `${target.constructor.name}.${method}`;
  if (event && eventSpec(event)) return event;
  throw new StartupError(
    'process-event',
    `${where} reacts to ${event?.name ?? 'undefined'}, which is no event of a contract`,
    'Name a class with @EventContract; if it is one, see that its file does not import this one.',
  );
}
