import type { INestApplicationContext, Type } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';

/** A method of a controller, on which decorators have left their metadata. */
export interface ControllerMethod {
  readonly controller: Type;
  readonly method: string;
  readonly handler: () => unknown;
}

/** As `@nestjs/microservices` marks handlers of patterns; it does not export this key. */
export const HANDLER_TYPE = 'microservices:handler_type';

/** The methods of all controllers of an application, each class once. */
export function controllerMethods(app: INestApplicationContext): ControllerMethod[] {
  const scanner = new MetadataScanner();
  const modules = [...app.get(ModulesContainer).values()];
  const controllers = new Set(modules.flatMap((module) => [...module.controllers.values()].map((one) => one.metatype)));
  return [...controllers].flatMap((controller) => {
    if (typeof controller !== 'function') return [];
    const prototype = controller.prototype as Readonly<Record<string, () => unknown>>;
    return scanner.getAllMethodNames(prototype).map((method) => ({
      controller: controller as Type,
      method,
      handler: prototype[method] as () => unknown,
    }));
  });
}
