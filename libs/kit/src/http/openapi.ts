import type { INestApplication } from '@nestjs/common';
import { markedDocument, mergeOpenApi, type OpenApiDocument } from './merged-openapi.js';
import { withRulesOfKit } from './kit-openapi.js';
import { applyOpenApiDecorators } from './openapi-decorators.js';

const refusing = new WeakSet<INestApplication>();

/** Notes that an application refuses unknown fields in bodies, so that its document can say it. */
export function refusesUnknownFields(app: INestApplication): void {
  refusing.add(app);
}

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
  const documents = [...apps].map(([module, app]) => {
    const document = swagger.SwaggerModule.createDocument(app, head) as unknown as OpenApiDocument;
    return markedDocument(module, withRulesOfKit(document, refusing.has(app)));
  });
  return mergeOpenApi([{ ...(head as unknown as OpenApiDocument), paths: {} }, ...documents]);
}

function headOf(
  { DocumentBuilder }: Swagger,
  title: string,
): ReturnType<InstanceType<Swagger['DocumentBuilder']>['build']> {
  return new DocumentBuilder().setTitle(title).setVersion('1').addBearerAuth().build();
}
