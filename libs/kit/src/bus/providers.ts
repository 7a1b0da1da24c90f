import type { INestApplicationContext } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { Class } from '../contract/index.js';

/** All providers of a container, each as often as modules have it. */
export function providersOf(app: INestApplicationContext): InstanceWrapper[] {
  return [...app.get(ModulesContainer).values()].flatMap((module) => [...module.providers.values()]);
}

/** The class of a provider; undefined where there is none, as for a value or a function. */
export function providerClass(wrapper: InstanceWrapper): Class | undefined {
  const cls: unknown = (wrapper.instance as object | undefined)?.constructor ?? wrapper.metatype;
  return typeof cls === 'function' ? (cls as Class) : undefined;
}
