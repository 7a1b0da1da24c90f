import { Controller, Get, type INestApplication, Module, NotFoundException, Patch, Post } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { ProblemFilter } from './problem.filter.js';
import { openRequestContexts } from './request-context.js';

@Controller('pots')
class Pots {
  @Get() list(): object {
    return [];
  }
  @Post() make(): object {
    return {};
  }
  @Get('best') best(): object {
    throw new NotFoundException('there is no best');
  }
  @Patch(':id') mend(): object {
    return {};
  }
}

@Module({ controllers: [Pots], providers: [{ provide: APP_FILTER, useValue: new ProblemFilter() }] })
class PotsModule {}

// A method that a path does not take was answered with 404, as if nothing served the path.
describe('a request that no route takes', () => {
  let app: INestApplication;
  beforeAll(async () => {
    const adapter = new FastifyAdapter({ bodyLimit: 100 });
    openRequestContexts(adapter.getInstance(), 'pots', 1_000);
    app = (await Test.createTestingModule({ imports: [PotsModule] }).compile()).createNestApplication(adapter);
    await app.listen(0, '127.0.0.1');
  });
  afterAll(() => app.close());

  const answer = async (method: string, path: string): Promise<object> => {
    const response = await fetch(`${await app.getUrl()}${path}`, { method });
    return { allow: response.headers.get('allow'), ...((await response.json()) as object) };
  };

  it.each([
    ['DELETE', '/pots?all=1', 'GET, HEAD, POST'],
    ['PUT', '/pots/17', 'PATCH'],
    ['DELETE', '/pots/best', 'GET, HEAD, PATCH'],
  ])('%s %s is answered with 405 and the methods there are', async (method, path, allow) => {
    expect(await answer(method, path)).toMatchObject({
      status: 405,
      allow,
      type: 'urn:problem:fledge.method-not-allowed',
      detail: `${path.split('?')[0]} takes ${allow}, not ${method}`,
    });
  });

  it('is answered with 404 where nothing is', async () => {
    expect(await answer('GET', '/pots/17/lid')).toMatchObject({ status: 404, allow: null, code: 'fledge.not-found' });
  });

  it.each([
    [
      'is too large',
      413,
      'application/json',
      `"${'x'.repeat(200)}"`,
      'the body is larger than the 100 bytes that are accepted here',
    ],
    [
      'is no JSON',
      415,
      'application/xml',
      '<a/>',
      'the body must be JSON, sent with the content-type application/json',
    ],
  ])('says what to send instead when the body %s', async (_, status, type, body, detail) => {
    const response = await fetch(`${await app.getUrl()}/pots`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
    expect(await response.json()).toMatchObject({ status, detail });
  });

  it('is not taken for what a handler did not find', async () => {
    expect(await answer('GET', '/pots/best')).toMatchObject({ status: 404, allow: null, detail: 'there is no best' });
  });
});
