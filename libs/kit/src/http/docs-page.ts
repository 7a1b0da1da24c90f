import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { basename, join } from 'node:path';
import { notFound, type RequestHandler } from './listener.js';

const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
};

const PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>API</title><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="ui"></div><script src="/docs/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({ url: '/openapi.json', dom_id: '#ui', deepLinking: true, persistAuthorization: true });</script></body></html>
`;

/** Serves the OpenAPI document for browsing, with the assets of `swagger-ui-dist` from `folder`: no network needed. */
export function docsPage(folder: string): RequestHandler {
  return (request, response) => {
    const asset = (request.url ?? '').split('?')[0]?.slice('/docs/'.length) ?? '';
    const type = Object.hasOwn(ASSETS, asset) ? ASSETS[asset] : undefined;
    if (asset !== '' && type === undefined) return notFound(request, response);
    if (type === undefined) response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE);
    else sendAsset(join(folder, asset), type, response);
  };
}

function sendAsset(file: string, type: string, response: ServerResponse): void {
  readFile(file).then(
    (bytes) => response.writeHead(200, { 'content-type': type, 'cache-control': 'max-age=86400' }).end(bytes),
    () => response.writeHead(500, { 'content-type': 'text/plain' }).end(`cannot read ${basename(file)}`),
  );
}
