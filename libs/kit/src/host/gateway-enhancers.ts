import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CallHandler, CanActivate, ExecutionContext, NestInterceptor, PipeTransform, Type } from '@nestjs/common';
import { GUARDS_METADATA, INTERCEPTORS_METADATA, PIPES_METADATA } from '@nestjs/common/constants.js';
import type { ApplicationConfig } from '@nestjs/core';
import { defer, lastValueFrom, isObservable, mergeAll, type Observable } from 'rxjs';
import { type CallContext, currentContext } from '../boundary/index.js';
import { packageFolder } from '../http/index.js';

/** The configuration of the application that the work of a context belongs to. */
const configs = new WeakMap<CallContext, ApplicationConfig>();

/** Lets the guards, pipes and interceptors of an application run in the messages that its gateways get in a context. */
export function enhanceIn(context: CallContext, config: ApplicationConfig): void {
  configs.set(context, config);
}

/**
 * Adds the guards, pipes and interceptors of the application to a gateway: with Nest 11, which asks only those of the
 * class and of the method. Otherwise `Authentication` would let everybody in there.
 */
export function addEnhancers(gateway: Type): void {
  if (ASKS_THOSE_OF_THE_APPLICATION) return;
  for (const [key, enhancer] of [
    [GUARDS_METADATA, GUARD],
    [PIPES_METADATA, PIPE],
    [INTERCEPTORS_METADATA, INTERCEPTOR],
  ] as const) {
    const own = (Reflect.getMetadata(key, gateway) ?? []) as readonly unknown[];
    // several hosts of a process may have the class, and it may inherit them
    if (!own.includes(enhancer)) Reflect.defineMetadata(key, [enhancer, ...own], gateway);
  }
}

/** Whether Nest does, as it does from 12 on. */
const ASKS_THOSE_OF_THE_APPLICATION = majorOfNest() >= 12;

/** Where it cannot be found, as in a bundle, the guards rather run twice than never. */
function majorOfNest(): number {
  const folder = packageFolder('@nestjs/core');
  if (folder === undefined) return 0;
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { readonly version: string };
  return Number.parseInt(version, 10);
}

function ofTheApplication(): ApplicationConfig | undefined {
  const context = currentContext();
  return context && configs.get(context);
}

const GUARD: CanActivate = {
  async canActivate(context: ExecutionContext) {
    for (const guard of ofTheApplication()?.getGlobalGuards() ?? []) {
      const answer = await guard.canActivate(context);
      if (!(isObservable(answer) ? await lastValueFrom(answer) : answer)) return false;
    }
    return true;
  },
};

const PIPE: PipeTransform = {
  async transform(value: unknown, metadata) {
    let result = value;
    for (const pipe of ofTheApplication()?.getGlobalPipes() ?? [])
      result = (await pipe.transform(result, metadata)) as unknown;
    return result;
  },
};

const INTERCEPTOR: NestInterceptor = {
  intercept(context: ExecutionContext, next: CallHandler) {
    const interceptors = ofTheApplication()?.getGlobalInterceptors() ?? [];
    const from = async (index: number): Promise<Observable<unknown>> =>
      (await interceptors[index]?.intercept(context, {
        handle: () => defer(() => from(index + 1)).pipe(mergeAll()),
      })) ?? next.handle();
    return from(0);
  },
};
