import type { INestApplication } from '@nestjs/common';
import { markedDocument, mergeOpenApi, type OpenApiDocument } from './merged-openapi.js';
import { applyOpenApiDecorators } from './openapi-decorators.js';

type Swagger = typeof import('@nestjs/swagger');

/**
 * Returns one OpenAPI document for the controllers of several modules. Loads `@nestjs/swagger`, which nothing else
 * needs.
 */
export async function describeModules(
  title: string,
  apps: ReadonlyMap<string, INestApplication>,
): Promise<OpenApiDocument> {
  const swagger = await import('@nestjs/swagger');
  applyOpenApiDecorators(swagger);
  const head = headOf(swagger, title);
  const documents = [...apps].map(([module, app]) =>
    markedDocument(module, swagger.SwaggerModule.createDocument(app, head) as unknown as OpenApiDocument),
  );
  return mergeOpenApi([{ ...(head as unknown as OpenApiDocument), paths: {} }, ...documents]);
}

function headOf(
  { DocumentBuilder }: Swagger,
  title: string,
): ReturnType<InstanceType<Swagger['DocumentBuilder']>['build']> {
  return new DocumentBuilder().setTitle(title).setVersion('1').addBearerAuth().build();
}
