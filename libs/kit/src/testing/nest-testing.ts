import { pathToFileURL } from 'node:url';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { TestingModule, TestingModuleBuilder } from '@nestjs/testing';
import { developmentPackage } from '#lint/development-package.js';
import { type Contract, StartupError } from '../contract/index.js';
import type { ContainerOptions } from '../host/index.js';

/** The kit does not declare the package, so it may be visible only to the application (decision 0013). */
async function nestTesting(): Promise<typeof import('@nestjs/testing')> {
  const entry = developmentPackage('@nestjs/testing');
  return entry === undefined
    ? import('@nestjs/testing')
    : ((await import(pathToFileURL(entry).href)) as typeof import('@nestjs/testing'));
}

/**
 * Creates containers with `@nestjs/testing`, so that tests can override what is in them.
 * @param override gets the builder of each container.
 * @param onBuilt gets what was built, before its lifecycle hooks run.
 */
export function createWithTesting(
  override: (builder: TestingModuleBuilder) => TestingModuleBuilder,
  onBuilt?: (built: TestingModule) => void,
): NonNullable<ContainerOptions['create']> {
  return async (root, adapter, nestOptions) => {
    const { Test } = await nestTesting();
    const built = await override(Test.createTestingModule({ imports: [root] })).compile();
    onBuilt?.(built);
    return built.createNestApplication<NestFastifyApplication>(adapter, nestOptions);
  };
}

/**
 * Makes `getHttpServer()` of a module without routes fail, instead of giving a server that answers every request with
 * 404. That of any other module serves the routes of this module, for tools that listen on it, such as supertest.
 */
export function withServer(
  app: NestFastifyApplication,
  { name, routes }: Contract,
  instead: string,
): NestFastifyApplication {
  if (routes.length === 0)
    app.getHttpServer = () => {
      throw noServer(`the module ${name}`, instead);
    };
  return app;
}

/** @param what has no routes. */
export function noServer(what: string, instead: string): StartupError {
  return new StartupError(
    'test-server',
    `${what} serves no route, so its HTTP server has no answer to any request`,
    instead,
  );
}
