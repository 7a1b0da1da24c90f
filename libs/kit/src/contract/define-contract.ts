import { type AccessRule, checkAccess } from './access.js';
import { StartupError } from './errors.js';
import type { Class, EventSpec, MessageSpec, UnknownFields } from './messages.js';
import { checkUnknownFields, errorSpec, eventSpec, messageSpec } from './messages.js';
import { isRoute } from './route-prefix.js';

/** The author's description of a contract: what other modules may know of a module. */
export interface ContractOptions {
  /** The module's name: also its schema, its queue group and the first part of its wire names. */
  readonly name: string;
  readonly commands?: readonly Class[];
  readonly queries?: readonly Class[];
  readonly events?: readonly Class[];
  /**
   * The HTTP path prefixes that the module serves, e.g. `['/products', '/categories']`. A segment after the first may be
   * a parameter, so that a part of another module's paths can be served: `/products/:id/reviews`. The longest prefix of a
   * path wins.
   */
  readonly routes?: readonly string[];
  /** How unknown fields are treated in all its messages and events, unless one says otherwise. Default `exact`. */
  readonly unknownFields?: UnknownFields;
  /**
   * Who may send its commands and queries, unless one says otherwise. Events need no rule: only their module publishes
   * them, and modules with the contract in `uses` get them. Default: each message must have a rule of its own.
   */
  readonly access?: AccessRule;
}

/** A module's contract. Made by `defineContract`. */
export interface Contract {
  readonly name: string;
  readonly messages: readonly MessageSpec[];
  readonly events: readonly EventSpec[];
  readonly routes: readonly string[];
  /** Who may send what the module answers beside its messages, such as patterns; `undefined` if it is not declared. */
  readonly access?: AccessRule | undefined;
}

const MODULE_NAME = /^[a-z][a-z0-9-]{0,39}$/;

/**
 * Gathers a module's messages, events and routes into its contract. Throws a `StartupError` that says what is wrong and
 * how to fix it. What spans several contracts is checked when a host starts.
 */
export function defineContract(options: ContractOptions): Contract {
  const { name } = options;
  if (!MODULE_NAME.test(name)) {
    throw new StartupError(
      'module-name',
      `'${name}' is not a valid module name`,
      'Use at most 40 lower-case letters, digits and hyphens, starting with a letter.',
    );
  }
  const unknownFields = checkUnknownFields(options.unknownFields, `the contract of ${name}`);
  const access = checkAccess(options.access, `the contract of ${name}`);
  const messages = [
    ...(options.commands ?? []).map((cls) => own(name, cls, 'command')),
    ...(options.queries ?? []).map((cls) => own(name, cls, 'query')),
  ];
  const events = (options.events ?? []).map((cls) => ownEvent(name, cls));
  refuseTwice(
    name,
    [...messages, ...events].map((m) => m.name),
  );
  for (const route of options.routes ?? []) {
    if (!isRoute(route)) {
      throw new StartupError(
        'route',
        `${name} owns the route '${route}', which is not a path prefix`,
        "Use lower-case segments, as in '/products', and parameters after the first: '/products/:id/reviews'.",
      );
    }
  }
  return {
    name,
    messages: messages.map(withMode(unknownFields)).map(withAccess(access)),
    events: events.map(withMode(unknownFields)),
    routes: options.routes ?? [],
    ...(access && { access }),
  };
}

/** Gives a message the rule of its contract, unless it has its own. */
function withAccess(access: AccessRule | undefined) {
  return (spec: MessageSpec): MessageSpec => {
    const rule = checkAccess(spec.access, `'${spec.name}'`, spec.cls) ?? access;
    return rule ? { ...spec, access: rule } : spec;
  };
}

/** Gives a message the mode of its contract, unless it has its own. */
function withMode(unknownFields: UnknownFields | undefined) {
  return <Spec extends MessageSpec | EventSpec>(spec: Spec): Spec => ({
    ...spec,
    unknownFields: spec.unknownFields ?? unknownFields,
  });
}

function own(module: string, cls: Class, kind: 'command' | 'query'): MessageSpec {
  const spec = messageSpec(cls);
  const decorator = kind === 'command' ? '@CommandContract' : '@QueryContract';
  if (!spec || spec.kind !== kind) {
    throw new StartupError(
      'message-contract',
      `${cls.name} is listed as a ${kind} of ${module} but has no ${decorator}`,
      `Decorate it with ${decorator}('${module}.….v1').`,
    );
  }
  checkModule(module, spec.name, cls);
  for (const error of spec.errors) {
    if (!errorSpec(error)) {
      throw new StartupError(
        'error-contract',
        `${spec.name} declares the error ${error.name}, which has no @ErrorContract`,
        `Decorate it with @ErrorContract('${module}.….v1').`,
      );
    }
  }
  return spec;
}

function ownEvent(module: string, cls: Class): EventSpec {
  const spec = eventSpec(cls);
  if (!spec) {
    throw new StartupError(
      'message-contract',
      `${cls.name} is listed as an event of ${module} but has no @EventContract`,
      `Decorate it with @EventContract('${module}.….v1', { key }).`,
    );
  }
  checkModule(module, spec.name, cls);
  return spec;
}

function checkModule(module: string, name: string, cls: Class): void {
  if (!name.startsWith(`${module}.`)) {
    throw new StartupError(
      'wire-name',
      `${cls.name} has the wire name '${name}' but is in the contract of ${module}`,
      `Name it '${module}.….v1'.`,
    );
  }
}

function refuseTwice(module: string, names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice)
    throw new StartupError(
      'wire-name-twice',
      `the contract of ${module} has two messages named '${twice}'`,
      'Give each its own name.',
    );
}
