import type { ServerResponse } from 'node:http';
import { inject } from 'light-my-request';
import { HttpListener, httpProblem, mergeOpenApi, type OpenApiDocument, PROBLEM_TYPE } from '../http/index.js';

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
  for (const { listener, routes } of services)
    for (const route of routes) front.own(route, (request, response) => listener.handle(request, response));
  front.ownForReading('/openapi.json', (_request, response) => void sendDocument(services, response));
  front.ownForReading('/metrics', (_request, response) =>
    notFound(response, `each service has its own metrics: ${services.map(({ url }) => `${url}/metrics`).join(', ')}`),
  );
  return front;
}

async function sendDocument(services: readonly FrontService[], response: ServerResponse): Promise<void> {
  const answers = await Promise.all(
    services.map(({ listener }) => inject((request, reply) => listener.handle(request, reply), '/openapi.json')),
  );
  const failed = answers.find(({ statusCode }) => statusCode !== 200);
  if (failed === undefined) {
    const document = mergeOpenApi(answers.map((answer) => answer.json<OpenApiDocument>()));
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(document));
  } else response.writeHead(failed.statusCode, failed.headers).end(failed.rawPayload);
}

function notFound(response: ServerResponse, detail: string): void {
  response
    .writeHead(404, { 'content-type': PROBLEM_TYPE })
    .end(JSON.stringify(httpProblem(404, 'fledge.not-found', detail, '')));
}
