import type { DynamicModule, InjectionToken, Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { TestingModule, TestingModuleBuilder } from '@nestjs/testing';
import { boundedModuleSpec } from '../bus/index.js';
import { StartupError } from '../contract/index.js';
import type { Application } from '../host/index.js';

/** How something is replaced, as with `@nestjs/testing`. `Builder` continues the chain. */
export interface OverrideBy<Builder> {
  useValue(value: unknown): Builder;
  useClass(cls: Type): Builder;
  /** @param options `inject` names what the factory gets, from the module whose provider is replaced. */
  useFactory(options: {
    readonly factory: (...args: never[]) => unknown;
    readonly inject?: readonly InjectionToken[];
  }): Builder;
}

/** How a module is replaced, as with `@nestjs/testing`. */
export interface OverrideModule<Builder> {
  useModule(module: Type | DynamicModule): Builder;
}

/** The last part of the names of the testing builder's methods, as in `overrideGuard`. */
export type OverrideKind = 'Provider' | 'Guard' | 'Interceptor' | 'Pipe' | 'Filter';

interface Override {
  readonly kind: OverrideKind;
  readonly token: InjectionToken;
  readonly apply: (builder: TestingModuleBuilder) => void;
}

interface ModuleOverride {
  readonly from: Type | DynamicModule;
  readonly to: Type | DynamicModule;
}

/** What a test replaces in all modules of an application, each of which has a container and a testing builder. */
export class Overrides {
  private readonly overrides: Override[] = [];
  private readonly modules: ModuleOverride[] = [];
  /** Those that have replaced something. */
  private readonly used = new Set<Override | ModuleOverride>();
  /** Tokens that were found, but not as what the test says they are. */
  private readonly otherwise = new Set<Override>();

  add<Builder>(kind: OverrideKind, token: InjectionToken, builder: Builder): OverrideBy<Builder> {
    const add = (how: (by: ReturnType<TestingModuleBuilder['overrideProvider']>) => void): Builder => {
      this.overrides.push({ kind, token, apply: (nest) => how(nest[`override${kind}`](token)) });
      return builder;
    };
    return {
      useValue: (value) => add((by) => by.useValue(value)),
      useClass: (cls) => add((by) => by.useClass(cls)),
      useFactory: ({ factory, inject = [] }) => add((by) => by.useFactory({ factory, inject: [...inject] })),
    };
  }

  addModule<Builder>(from: Type | DynamicModule, builder: Builder): OverrideModule<Builder> {
    return {
      useModule: (to) => {
        this.modules.push({ from, to });
        return builder;
      },
    };
  }

  /** The application, with the bounded modules that are replaced. */
  inApplication(application: Application): Application {
    const modules = application.modules.map((entry) => ({
      ...entry,
      load: async () => {
        const loaded = await entry.load();
        const override = this.modules.find(({ from }) => classOf(from) === loaded);
        if (override) this.used.add(override);
        return override ? classOf(override.to) : loaded;
      },
    }));
    return { ...application, modules };
  }

  /** Prepares the builder of a container. */
  applyTo(builder: TestingModuleBuilder): TestingModuleBuilder {
    for (const { apply } of this.overrides) apply(builder);
    for (const { from, to } of this.modules)
      if (!boundedModuleSpec(classOf(from))) builder.overrideModule(from).useModule(to);
    return builder;
  }

  /** Notes what was replaced in a container: Nest ignores a replacement for what is not there. */
  note(built: TestingModule): void {
    const inside = [...built.get(ModulesContainer, { strict: false }).values()];
    for (const override of this.overrides) {
      const [wanted, other] =
        override.kind === 'Provider'
          ? (['providers', 'injectables'] as const)
          : (['injectables', 'providers'] as const);
      if (inside.some((module) => module[wanted].has(override.token))) this.used.add(override);
      else if (inside.some((module) => module[other].has(override.token))) this.otherwise.add(override);
    }
    for (const override of this.modules)
      if (inside.some(({ metatype }) => metatype === classOf(override.to))) this.used.add(override);
  }

  /** Call it when all containers exist. @throws StartupError for a replacement of what no module has. */
  refuseUnused(application: string): void {
    const module = this.modules.find((override) => !this.used.has(override));
    if (module)
      throw new StartupError(
        'test-override',
        `overrideModule(${classOf(module.from).name}) replaces nothing: no module of ${application} imports it`,
        'Name a module that the application lists or one of its modules imports; one that a module makes dynamically, by the same object.',
      );
    const unused = this.overrides.find((override) => !this.used.has(override));
    if (!unused) return;
    const { kind, token } = unused;
    throw new StartupError(
      'test-override',
      `override${kind}(${nameOf(token)}) replaces nothing: no module of ${application} has this as a ${kind.toLowerCase()}`,
      this.otherwise.has(unused)
        ? OTHERWISE[kind === 'Provider' ? 'Provider' : 'other']
        : ELSEWHERE[kind === 'Provider' ? 'Provider' : 'other'],
    );
  }
}

const OTHERWISE = {
  Provider:
    'A decorator names it, such as @UseGuards: replace it by overrideGuard, overrideInterceptor, overridePipe or overrideFilter.',
  other: 'It is a provider: replace it by overrideProvider.',
};

const ELSEWHERE = {
  Provider: 'Use the token by which a module provides it: the same class, text or symbol.',
  other:
    'Name the class that a decorator such as @UseGuards names. One that a module gives to all its routes can be replaced only if it is a provider by itself: `{ provide: APP_GUARD, useExisting: TheGuard }`, then overrideProvider(TheGuard).',
};

function classOf(module: Type | DynamicModule): Type {
  return typeof module === 'function' ? module : (module.module as Type);
}

function nameOf(token: InjectionToken): string {
  return typeof token === 'function' ? token.name : `'${String(token)}'`;
}
