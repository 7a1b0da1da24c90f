import type { ServerResponse } from 'node:http';
import {
  HttpListener,
  httpProblem,
  mergeOpenApi,
  type OpenApiDocument,
  PROBLEM_TYPE,
  type RequestHandler,
} from '../http/index.js';

/** A service as the front of all services sees it. */
export interface FrontService {
  readonly listener: HttpListener;
  /** The path prefixes of its modules. */
  readonly routes: readonly string[];
  readonly url: string;
}

/**
 * One server for the services of a topology, which gives each request to the one that owns its path, as a front door
 * does. They are in this process, so it hands over the request itself, and nothing about it changes. A path that nobody
 * owns goes to the first: all services answer it in the same way.
 */
export function frontOf(services: readonly FrontService[]): HttpListener {
  const [first, ...others] = services;
  if (first !== undefined && others.length === 0) return first.listener;
  const front = new HttpListener();
  front.own('/', (request, response) => first?.listener.handle(request, response));
  for (const { listener, routes } of services) {
    const { server } = listener;
    for (const route of routes) {
      const handler: RequestHandler = (request, response) => listener.handle(request, response);
      front.own(route, handler);
      if (server.listenerCount('upgrade') > 0)
        front.takeUpgrades(handler, (request, socket, head) => void server.emit('upgrade', request, socket, head));
    }
  }
  front.ownForReading('/openapi.json', (_request, response) => {
    sendDocument(services, response).catch((error: Error) => response.destroy(error));
  });
  front.ownForReading('/metrics', (_request, response) =>
    notFound(response, `each service has its own metrics: ${services.map(({ url }) => `${url}/metrics`).join(', ')}`),
  );
  return front;
}

async function sendDocument(services: readonly FrontService[], response: ServerResponse): Promise<void> {
  const answers = await Promise.all(
    services.map(async ({ url }) => {
      const answer = await fetch(`${url}/openapi.json`);
      return { isThere: answer.ok, text: await answer.text() };
    }),
  );
  if (answers.every(({ isThere }) => isThere)) {
    const document = mergeOpenApi(answers.map(({ text }) => JSON.parse(text) as OpenApiDocument));
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(document));
  } else notFound(response, `there is no OpenAPI document: ${answers.find(({ isThere }) => !isThere)?.text ?? ''}`);
}

function notFound(response: ServerResponse, detail: string): void {
  response
    .writeHead(404, { 'content-type': PROBLEM_TYPE })
    .end(JSON.stringify(httpProblem(404, 'fledge.not-found', detail, '')));
}
