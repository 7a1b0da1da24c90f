import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

/** The OpenAPI document of one module's controllers. */
export function describeModule(app: INestApplication, title: string): OpenAPIObject {
  const options = new DocumentBuilder().setTitle(title).setVersion('1').addBearerAuth().build();
  return SwaggerModule.createDocument(app, options);
}

/** One document of several modules'. */
export function mergeDocuments(title: string, documents: readonly OpenAPIObject[]): OpenAPIObject {
  const base = new DocumentBuilder().setTitle(title).setVersion('1').addBearerAuth().build();
  return {
    ...base,
    paths: Object.assign({}, ...documents.map((d) => d.paths)) as OpenAPIObject['paths'],
    components: {
      ...base.components,
      schemas: Object.assign({}, ...documents.map((d) => d.components?.schemas ?? {})) as NonNullable<OpenAPIObject['components']>['schemas'],
    },
  };
}
