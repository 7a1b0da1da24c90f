import type { INestApplication } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';
import { applyOpenApiDecorators } from './openapi-decorators.js';

type Swagger = typeof import('@nestjs/swagger');

/** Returns one OpenAPI document of several modules' controllers. Loads `@nestjs/swagger`, which nothing needs before. */
export async function describeModules(title: string, apps: readonly INestApplication[]): Promise<OpenAPIObject> {
  const swagger = await import('@nestjs/swagger');
  applyOpenApiDecorators(swagger);
  const frame = frameOf(swagger, title);
  const documents = apps.map((app) => swagger.SwaggerModule.createDocument(app, frame));
  return {
    ...frame,
    paths: Object.assign({}, ...documents.map((d) => d.paths)) as OpenAPIObject['paths'],
    components: {
      ...frame.components,
      schemas: Object.assign({}, ...documents.map((d) => d.components?.schemas ?? {})) as NonNullable<OpenAPIObject['components']>['schemas'],
    },
  };
}

function frameOf({ DocumentBuilder }: Swagger, title: string): Omit<OpenAPIObject, 'paths'> {
  return new DocumentBuilder().setTitle(title).setVersion('1').addBearerAuth().build();
}
