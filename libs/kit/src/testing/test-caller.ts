import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CallContext, currentContext, type Identity, now, type ModuleClient, runInContext } from '../boundary/index.js';
import { type Class, ModuleFault, StartupError } from '../contract/index.js';
import { TEST_DEADLINE_MS } from './acting-as.js';
import type { FakeNeighbours } from './fake-neighbours.js';
import type { Message } from './fake.js';
import { Scenario } from './scenario.js';
import type { Method, RequestOptions, Stimulus, TestResponse } from './stimulus.js';
import type { TestHttp } from './test-http.js';
import type { TestIssuer } from './test-issuer.js';

/** What a caller needs to know of the module that it calls. */
export interface Callee {
  readonly module: string;
  readonly app: NestFastifyApplication;
  readonly http: TestHttp;
  readonly moduleClients: ReadonlyMap<Class, ModuleClient>;
  readonly neighbours: FakeNeighbours;
  readonly issuer: TestIssuer;
  /** The original errors behind faults that crossed the boundary, by correlation id. */
  readonly faults: ReadonlyMap<string, unknown>;
}

/** Uses the module under test from outside: by its contract, or over HTTP. */
export class TestCaller implements Stimulus {
  /** @internal */
  constructor(
    private readonly callee: Callee,
    private readonly identity: Identity | undefined,
  ) {}

  /**
   * Sends a command or a query of the module's contract over its boundary, as another module would. The `cause` of a
   * fault is the original error, which the boundary hides everywhere else.
   * @throws FakeBreach if a fake broke its contract meanwhile, even if the module caught the error.
   */
  async execute<R>(message: Message<R>): Promise<R> {
    const { callee } = this;
    const moduleClient = callee.moduleClients.get(message.constructor as unknown as Class);
    if (!moduleClient) {
      throw new StartupError(
        'test-message',
        `${message.constructor.name} is not a message of the contract of ${callee.module}`,
        `Send private messages through Nest: test.get(CommandBus). The contract has: ${[...callee.moduleClients.keys()].map((cls) => cls.name).join(', ') || 'none'}.`,
      );
    }
    const context = new CallContext('test', 'test', now() + TEST_DEADLINE_MS, this.identity, undefined, undefined);
    // a test sets it around its calls, by withContext
    context.values = currentContext()?.values;
    try {
      return (await runInContext(context, () => moduleClient.execute(message))) as R;
    } catch (error) {
      if (error instanceof ModuleFault) error.cause = callee.faults.get(error.correlationId);
      throw error;
    } finally {
      callee.neighbours.verify();
    }
  }

  /**
   * Sends an HTTP request to the module. With an identity it carries a token that the module's `Authentication`
   * accepts, if that gets its keys from a neighbour.
   * @param url a path, with its query: `/orders?limit=5`.
   * @param body sent as JSON; a string is sent as it is; without it, no body is sent.
   * @throws FakeBreach if a fake broke its contract meanwhile, whatever the response.
   */
  async request(method: Method, url: string, body?: unknown, { headers }: RequestOptions = {}): Promise<TestResponse> {
    const { http, issuer, neighbours } = this.callee;
    const response = await fetch(new URL(url, await http.origin()), {
      method,
      redirect: 'manual',
      headers: {
        ...(this.identity && { authorization: `Bearer ${await issuer.token(this.identity)}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    neighbours.verify();
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: bodyOf(text, response.headers.get('content-type')),
    };
  }

  /** A scenario of this caller: stimulate, wait, check; runs when it is awaited. */
  scenario(): Scenario<undefined> {
    return new Scenario(this, () => Promise.resolve(undefined));
  }
}

function bodyOf(text: string, type: string | null): unknown {
  if (text === '') return undefined;
  return /[/+]json\b/.test(type ?? '') ? (JSON.parse(text) as unknown) : text;
}
