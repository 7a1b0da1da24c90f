import type { IncomingMessage, ServerResponse } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { describeModules, docsPage, type HttpListener, type OpenApiDocument, packageFolder } from '../http/index.js';
import type { Exposition } from '../observe/index.js';
import type { Readiness } from './readiness.js';

/** The sources of the process's own paths. */
export interface SystemPaths {
  readonly title: string;
  /** @param accept the formats that the client accepts. */
  readonly metrics: (accept: string | undefined) => Promise<Exposition>;
  readonly readiness: () => Promise<Readiness>;
  /** By module. */
  readonly apps: () => ReadonlyMap<string, INestApplication>;
}

/**
 * `/healthz`, `/readyz` and `/metrics`; `/openapi.json` if `@nestjs/swagger` is installed, and `/docs` if
 * `swagger-ui-dist` is installed as well: the same in every topology.
 */
export function serveSystemPaths(listener: HttpListener, system: SystemPaths): void {
  let document: Promise<OpenApiDocument> | undefined;
  const own = (path: string, handler: (response: ServerResponse, request: IncomingMessage) => void): void =>
    listener.ownForReading(path, (request, response) => handler(response, request));
  own('/healthz', (response) => sendJson(response, 200, { status: 'ok' }));
  own('/readyz', (response) => {
    system.readiness().then(
      (readiness) => sendReadiness(response, readiness),
      (error: Error) => sendJson(response, 500, { error: error.message }),
    );
  });
  own('/metrics', (response, { headers }) => {
    system.metrics(headers.accept).then(
      ({ contentType, text }) => response.writeHead(200, { 'content-type': contentType }).end(text),
      (error: Error) => sendJson(response, 500, { error: error.message }),
    );
  });
  if (packageFolder('@nestjs/swagger') === undefined) return;
  own('/openapi.json', (response) => {
    document ??= describeModules(system.title, system.apps());
    document.then(
      (described) => sendJson(response, 200, described),
      (error: Error) => sendJson(response, 500, { error: error.message }),
    );
  });
  const page = packageFolder('swagger-ui-dist');
  if (page !== undefined) listener.ownForReading('/docs', docsPage(page));
}

function sendReadiness(response: ServerResponse, { isReady, failed, degraded }: Readiness): void {
  // the front door of `fledge start` and Envoy read this header: both prefer replicas without it
  if (degraded.length > 0) response.setHeader('x-envoy-degraded', 'true');
  const without = degraded.length > 0 ? { degraded } : {};
  if (isReady) sendJson(response, 200, { status: 'ready', ...without });
  else sendJson(response, 503, { status: 'not ready', failed, ...without });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}
