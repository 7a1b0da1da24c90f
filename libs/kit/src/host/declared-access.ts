import { type INestApplication, RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer, Reflector } from '@nestjs/core';
import { type Contract, StartupError } from '../contract/index.js';
import { Authentication, hasRouteRule } from '../security/index.js';
import { controllerMethods, HANDLER_TYPE } from './controller-methods.js';
import type { Application } from './application.js';

/** The application, with the rules that are the default for one that is run as a whole. */
export function withAccessDeclared(application: Application): Application {
  return { ...application, access: application.access ?? 'declared' };
}

/** A hosted module, for the check of its rules. */
export interface CheckedModule {
  readonly contract: Contract;
  readonly app: INestApplication;
}

/**
 * Refuses an application with a command, a query, a pattern or a route for which nobody has said who may use it, unless
 * `access` of the application is `open`. Names all of them in one error.
 * @throws StartupError
 */
export function refuseUndeclared(application: Application, modules: readonly CheckedModule[]): void {
  const { access = 'open', name } = application;
  if (access !== 'declared' && access !== 'open')
    throw new StartupError(
      'access-mode',
      `the application ${name} says access: ${JSON.stringify(access)}`,
      "Use 'declared' or 'open'; default 'declared'.",
    );
  if (access === 'open') return;
  for (const { contract } of modules) refuseUnknownCallers(application, contract);
  const undeclared = modules.flatMap((module) => [...messagesOf(module), ...routesOf(module)]);
  if (undeclared.length === 0) return;
  throw new StartupError(
    'access-undeclared',
    `nothing says who may use ${undeclared.length === 1 ? 'this' : `these ${undeclared.length}`}:\n  ${undeclared.join('\n  ')}\n`,
    "For messages, write `access: { identity: 'optional' }` in `defineContract`, or a narrower rule there or in a message's decorator. For routes, import `Authentication.verifiedBy(…)` or `Authentication.by(…)` in the module, which needs a user for each route, or write `@Public()`. To start without rules, as before you have written them, add `access: 'open'` to the Application.",
    { undeclared },
  );
}

function refuseUnknownCallers({ name, modules }: Application, { messages }: Contract): void {
  const known = modules.map(({ contract }) => contract.name);
  for (const message of messages) {
    const unknown = message.access?.callers?.find((caller) => !known.includes(caller));
    if (unknown !== undefined)
      throw new StartupError(
        'access-callers',
        `'${message.name}' may be sent by '${unknown}', and the application ${name} has no module of that name`,
        `It has: ${known.join(', ')}.`,
      );
  }
}

function messagesOf({ contract: { name, messages } }: CheckedModule): string[] {
  return messages
    .filter(({ access }) => access === undefined)
    .map((message) => `${name}: the ${message.kind} '${message.name}' of ${message.cls.name}`);
}

/** The routes of controllers without a rule, and, where the contract has no rule for them, handlers of patterns. */
function routesOf({ contract, app }: CheckedModule): string[] {
  const isGuarded = [...app.get(ModulesContainer).values()].some(({ metatype }) => metatype === Authentication);
  const reflector = app.get(Reflector);
  return controllerMethods(app).flatMap(({ controller, method, handler }) => {
    const place = `${contract.name}: ${controller.name}.${method}`;
    if (Reflect.hasMetadata(METHOD_METADATA, handler))
      return isGuarded || hasRouteRule(reflector, handler, controller)
        ? []
        : [`${place}, the route ${routeText(controller, handler)}`];
    return contract.access === undefined && Reflect.hasMetadata(HANDLER_TYPE, handler)
      ? [`${place}, a handler of patterns, for which only \`access\` of the contract can say it`]
      : [];
  });
}

function routeText(controller: object, handler: object): string {
  const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod;
  const parts = [controller, handler].map((part) => {
    const path = Reflect.getMetadata(PATH_METADATA, part) as string | readonly string[] | undefined;
    return ([path].flat()[0] ?? '').replace(/^\/+|\/+$/g, '');
  });
  return `${RequestMethod[method]} /${parts.filter((part) => part !== '').join('/')}`;
}
