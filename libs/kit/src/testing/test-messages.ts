import { randomUUID } from 'node:crypto';
import { type Catalogue, type CompiledMessage, currentContext } from '../boundary/index.js';
import { type Class, StartupError } from '../contract/index.js';
import type { ModuleDataSource } from '../data/index.js';
import type { ModuleMessaging } from '../messaging/index.js';

/** The durable messages of a module under test: those it sent, and those its neighbours send to it. */
export class TestMessages {
  /** @internal */
  constructor(
    private readonly messaging: ModuleMessaging,
    private readonly source: ModuleDataSource,
    private readonly catalogue: Catalogue,
  ) {}

  /** The events of a class that were committed, in order. */
  published<E extends object>(event: Class<E>): Promise<E[]> {
    const compiled = this.catalogue.event(event);
    if (!compiled) throw unknown(event, 'event');
    return this.stored(compiled.name, (json) => compiled.codec.decode(json) as E);
  }

  /** The commands of a class that were committed for durable handling by a neighbour, in order. */
  sent<C extends object>(command: Class<C>): Promise<C[]> {
    const compiled = this.catalogue.message(command);
    if (!compiled) throw unknown(command, 'command');
    return this.stored(compiled.name, (json) => compiled.input.decode(json) as C);
  }

  /**
   * Delivers a neighbour's event or one of the module's own commands as a durable message; it is handled soon after.
   */
  async deliver(message: object): Promise<void> {
    const cls = message.constructor as Class;
    const event = this.catalogue.event(cls);
    const command = this.catalogue.message(cls);
    const { name, module, copy } = event
      ? { ...event, copy: event.codec.copy(message) as Record<string, unknown> }
      : command
        ? { ...command, copy: command.input.copy(message) as Record<string, unknown> }
        : raise(unknown(cls, 'event or command'));
    const values = currentContext()?.values;
    const key = event ? String(copy[event.key]) : randomUUID();
    await this.messaging.inbox.accept([
      {
        id: randomUUID(),
        kind: event ? 'event' : 'command',
        name,
        source: command ? testCallerOf(command) : module,
        target: event ? undefined : module,
        key,
        payload: JSON.stringify(copy),
        // as its sender would, in whose context the test is
        headers: values ? { context: values.text } : {},
        occurredAt: new Date().toISOString(),
      },
    ]);
  }

  private async stored<T>(name: string, decode: (json: unknown) => T): Promise<T[]> {
    const rows = await this.source.query<{ payload: string }[]>(
      'select payload from fledge_outbox where name = $1 order by seq',
      [name],
    );
    return rows.map((row) => decode(JSON.parse(row.payload)));
  }
}

/** Who sends a message in a test: `test` or, where its contract names callers, the first of them. */
export function testCallerOf({ access }: Pick<CompiledMessage, 'access'>): string {
  return access?.callers?.[0] ?? 'test';
}

function unknown(cls: { readonly name: string }, what: string): StartupError {
  return new StartupError(
    'test-message',
    `${cls.name} is not an ${what} of the contracts that the tested module has or uses`,
    `List it in its contract, and that contract in \`uses\`.`,
  );
}

function raise(error: Error): never {
  throw error;
}
