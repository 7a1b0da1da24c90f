import { Body, Controller, Get, Module, Post, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import * as stock from '@nestjs/swagger';
import * as deferred from '../openapi.js';
import { describeModules } from './openapi.js';

/** A module that is described with some decorators of OpenAPI. */
function described({
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
  ApiTags,
}: typeof deferred): Type {
  class Book {
    @ApiProperty({ format: 'uuid' }) id!: string;
    @ApiProperty({ type: [String], description: 'Who wrote it' }) authors!: string[];
    @ApiPropertyOptional({ minimum: 1 }) pages?: number;
  }
  @ApiTags('books')
  @ApiBearerAuth()
  @Controller('books')
  class Books {
    @Get()
    @ApiOperation({ summary: 'All books' })
    @ApiOkResponse({ type: [Book] })
    list(): Book[] {
      return [];
    }

    @Post()
    @ApiCreatedResponse({ type: Book })
    @ApiBadRequestResponse({ description: 'It is no book' })
    add(@Body() book: Book): Book {
      return book;
    }
  }
  @Module({ controllers: [Books] })
  class Library {}
  return Library;
}

describe("the kit's decorators of OpenAPI", () => {
  it('are those of @nestjs/swagger, all of them and no other', () => {
    expect(Object.keys(deferred).toSorted()).toEqual(
      Object.keys(stock)
        .filter((name) => name.startsWith('Api'))
        .toSorted(),
    );
  });

  it('describe as those of @nestjs/swagger do', async () => {
    const documents = [];
    for (const decorators of [stock, deferred]) {
      const app = await NestFactory.create(described(decorators), new FastifyAdapter(), { logger: false });
      documents.push(await describeModules('library', new Map([['library', app]])));
      await app.close();
    }
    expect(documents[0]).toMatchObject({
      paths: { '/books': { get: { summary: 'All books', tags: ['books'] } } },
      components: { schemas: { Book: { required: ['id', 'authors'] } } },
    });
    expect(documents[1]).toEqual(documents[0]);
  });
});
