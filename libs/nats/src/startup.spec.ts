import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { NatsConnection, NatsConnectionImpl } from '@nats-io/transport-node';
import { startNatsServer } from '@fledge/cli/servers';
import { Count, failureOf, Rig } from '../test/rig.js';
import { StartupError, UndeclaredDependency } from '@fledge/kit/contract';
import { testNatsUrl } from '@fledge/kit/testing';
import { NatsTransport, type NatsTransportOptions } from './nats.transport.js';
import { FastWire } from './fast-wire.js';
import { openWire } from './open-wire.js';
import { PublicWire } from './public-wire.js';

const QUIET = { reconnected: () => undefined, disconnected: () => undefined, publishDenied: () => undefined };

async function startFailure(options: Partial<NatsTransportOptions>): Promise<StartupError> {
  const transport = new NatsTransport({ url: testNatsUrl(), namespace: 'startup', connectTimeoutMs: 600, ...options });
  const error = await failureOf(transport.start());
  await transport.close();
  expect(error).toBeInstanceOf(StartupError);
  return error as StartupError;
}

/** Greets like a nats-server with this `INFO`. */
async function fakeServer(info: object): Promise<{ url: string; server: Server }> {
  const server = createServer((socket) => {
    socket.write(`INFO ${JSON.stringify({ server_id: 'x', proto: 1, ...info })}\r\n`);
    socket.on('data', (data) => void (data.includes('PING') && socket.write('PONG\r\n')));
    socket.on('error', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

describe('the start of NatsTransport', () => {
  it.each([
    [
      { url: 'nats://127.0.0.1:1' },
      'fledge.startup.nats-unreachable',
      /127\.0\.0\.1:1 cannot be reached within 600 ms/,
      /nats-server|NATS_URL/,
    ],
    [{ url: 'http://127.0.0.1' }, 'fledge.startup.nats-url', /'http:\/\/127.0.0.1' is not a URL/, /nats:\/\//],
    [{ url: 'nonsense' }, 'fledge.startup.nats-url', /'nonsense'/, /nats:\/\//],
    [{ url: [] }, 'fledge.startup.nats-url', /no URL/, /nats:\/\//],
  ])('fails and says how to fix it: %j', async (options, code, message, hint) => {
    const error = await startFailure(options);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
  });

  it.each([
    [{ namespace: 'a.b' }, 'fledge.startup.namespace'],
    [{ namespace: '' }, 'fledge.startup.namespace'],
    [{ replica: 'a b' }, 'fledge.startup.replica'],
    [{ version: 'new' }, 'fledge.startup.version'],
  ])('fails before anything is tried: %j', (options, code) => {
    expect(() => new NatsTransport({ url: testNatsUrl(), namespace: 'ok', ...options })).toThrow(
      expect.objectContaining({ code }) as Error,
    );
  });

  it.each([
    [{ version: '2.9.25', headers: true, max_payload: 1_048_576 }, 'nats-version', '2.9.25'],
    [{ version: '1.4.1', headers: true, max_payload: 1_048_576 }, 'nats-version', '1.4.1'],
    [{ version: '2.10.0', headers: false, max_payload: 1_048_576 }, 'nats-headers', 'headers'],
    [{ version: '3.0.0', headers: true, max_payload: 1_048_575 }, 'nats-payload', '1048575'],
  ])('fails with an unsuitable server: %j', async (info, cause, text) => {
    const { url, server } = await fakeServer(info);
    const error = await startFailure({ url });
    expect(error.code).toBe(`fledge.startup.${cause}`);
    expect(error.message).toContain(text);
    server.close();
  });

  it('waits for a server that is still starting', async () => {
    const first = await startNatsServer();
    const { port } = first;
    await first.stop();
    const transport = new NatsTransport({
      url: `nats://127.0.0.1:${port}`,
      namespace: 'startup',
      connectTimeoutMs: 5_000,
    });
    const started = transport.start();
    const broker = await startNatsServer({ port });
    await started;
    expect(transport.isConnected()).toBe(true);
    await transport.close();
    await broker.stop();
  });

  it('fails with wrong credentials, and accepts right ones from the options or the URL', async () => {
    const broker = await startNatsServer({ config: 'authorization { user: fledge, password: "s:cret@" }' });
    const error = await startFailure({ url: broker.url, credentials: { user: 'fledge', password: 'wrong' } });
    expect(error.code).toBe('fledge.startup.nats-credentials');
    expect(`${error.message} ${error.hint}`).not.toContain('wrong');
    const inUrl = broker.url.replace('//', `//fledge:${encodeURIComponent('s:cret@')}@`);
    for (const options of [{ url: inUrl }, { url: broker.url, credentials: { user: 'fledge', password: 's:cret@' } }]) {
      const transport = new NatsTransport({ namespace: 'startup', ...options });
      await transport.start();
      await transport.close();
    }
    await broker.stop();
  });

  it('names the permissions that the broker lacks', async () => {
    const broker = await startNatsServer({
      config: `authorization { users: [
        { user: mute, password: x, permissions: { subscribe: { deny: "_INBOX.>" } } }
        { user: deaf, password: x, permissions: { subscribe: { allow: ["_INBOX.>", "$SRV.>"] } } }
        { user: unheard, password: x, permissions: { subscribe: { deny: "_INBOX.*.desk.>" } } }
        { user: shy, password: x, permissions: { publish: { deny: "*.shelf.put.v1.*" } } } ] }`,
    });
    const as = (user: string) => ({ credentials: { user, password: 'x' } });
    expect((await startFailure({ url: broker.url, ...as('mute') })).code).toBe('fledge.startup.nats-permissions');
    const rig = new Rig(broker.url);
    const deaf = await rig.transport(as('deaf'));
    const refused = await failureOf(deaf.serve(rig.moduleServer({})));
    expect(refused).toMatchObject({ code: 'fledge.startup.nats-permissions' });
    expect((refused as StartupError).hint).toContain(`${rig.namespace}.shelf.>`);

    // a module whose answers never arrive started, and each of its calls ended by its deadline
    const unheard = await rig.transport(as('unheard'));
    unheard.sender('desk', rig.message(Count));
    const unanswered = (await failureOf(unheard.serve(rig.moduleServer({})))) as StartupError;
    expect(unanswered).toMatchObject({ code: 'fledge.startup.nats-permissions' });
    expect(unanswered.message).toContain('does not allow desk to receive the answers to its calls');
    expect(unanswered.hint).toContain(`_INBOX.${rig.namespace}.desk.>`);

    await rig.replica({}, as('shy'));
    const shy = await rig.caller(as('shy'));
    const from = performance.now();
    const error = await failureOf(shy.put());
    expect(error).toBeInstanceOf(UndeclaredDependency);
    expect(error).toMatchObject({ caller: 'desk', contract: 'shelf.put.v1', outcome: 'not-run' });
    expect(performance.now() - from).toBeLessThan(1_000);
    expect(await shy.count()).toBe(1);
    await rig.close();
    await broker.stop();
  });

  // It used to fail the start.
  it.each([
    [
      'gives its transport other bytes',
      ({ protocol }: NatsConnectionImpl) => {
        const { transport } = protocol;
        const send = transport.send.bind(transport);
        transport.send = (frame) =>
          send(Buffer.from(Buffer.from(frame).toString().replace('Fledge-Check', 'Fledge-Chuck')));
      },
    ],
    [
      'has another outbound buffer',
      ({ protocol }: NatsConnectionImpl) => Object.defineProperty(protocol, 'outbound', { value: undefined }),
    ],
    [
      'reads by other means than its parser',
      ({ protocol }: NatsConnectionImpl) =>
        Object.defineProperty(protocol, 'parser', { value: { parse: () => undefined }, configurable: true }),
    ],
  ])('falls back to the public API of a NATS client that %s, with a warning', async (_, change) => {
    const warnings: string[] = [];
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation((line: string) => void warnings.push(line));
    const settings = {
      urls: [testNatsUrl()],
      credentials: undefined,
      name: 'changed',
      connectTimeoutMs: 2_000,
      inbox: '_INBOX.x',
    };
    const changed = (connection: NatsConnection): FastWire => (
      change(connection as NatsConnectionImpl),
      new FastWire(connection)
    );
    const { wire } = await openWire(settings, QUIET, false, changed);
    warn.mockRestore();
    expect(wire).toBeInstanceOf(PublicWire);
    expect(warnings).toEqual([expect.stringContaining('Calls use its public API and are slower')]);
    await wire.close();
    expect(wire.isClosed).toBe(true);
  });

  it('uses the fast path even when the server was silent or lost the first time', async () => {
    for (const failure of [new StartupError('nats-silent', 'silent', ''), new Error('connection disconnected')]) {
      let tries = 0;
      const settings = {
        urls: [testNatsUrl()],
        credentials: undefined,
        name: 'slow',
        connectTimeoutMs: 5_000,
        inbox: '_INBOX.x',
      };
      const { wire } = await openWire(settings, QUIET, false, (connection) => {
        if (++tries === 1) throw failure;
        return new FastWire(connection);
      });
      expect([tries, wire]).toEqual([2, expect.any(FastWire)]);
      await wire.close();
    }
  });

  it('uses the fast path with the client version that it requires', async () => {
    const { wire } = await openWire(
      { urls: [testNatsUrl()], credentials: undefined, name: 'usual', connectTimeoutMs: 5_000, inbox: '_INBOX.x' },
      QUIET,
      false,
    );
    expect(wire).toBeInstanceOf(FastWire);
    await wire.close();
  });
});
