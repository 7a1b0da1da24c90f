import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { startEmbeddedPostgres } from '@fledge/kit';

const FLEDGE = 'node_modules/@fledge/cli/bin/fledge.js';
const headers = { 'content-type': 'application/json' };

for (const topology of ['monolith', 'split']) {
  test(`an order is confirmed, and takes its stock, in ${topology}`, { timeout: 180_000 }, () =>
    running(topology, async (url) => {
      const placed = await fetch(`${url}/orders`, { method: 'POST', headers, body: JSON.stringify({ item: 'tea', quantity: 2 }) });
      assert.equal(placed.status, 201);
      const { id } = (await placed.json()) as { id: string };
      for (;;) {
        const orders = (await (await fetch(`${url}/orders`)).json()) as { id: string; state: string }[];
        if (orders.find((order) => order.id === id)?.state === 'confirmed') break;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const tooMany = await fetch(`${url}/orders`, { method: 'POST', headers, body: JSON.stringify({ item: 'tea', quantity: 99 }) });
      assert.equal(tooMany.status, 409);
    }),
  );
}

/** Runs the application in a topology, on its own database. */
async function running(topology: string, work: (url: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'e2e-'));
  const postgres = await startEmbeddedPostgres({ dir: join(dir, 'postgres'), persistent: false });
  const app = spawn(process.execPath, [FLEDGE, 'start', topology], { env: { ...process.env, PORT: '0', DATABASE_URL: postgres.url }, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await work(await urlOf(app));
  } finally {
    if (app.exitCode === null && app.signalCode === null) {
      app.kill('SIGTERM');
      await once(app, 'exit');
    }
    await postgres.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

/** The URL that the application prints, once it is ready. */
async function urlOf(app: ChildProcess): Promise<string> {
  const said: string[] = [];
  for await (const line of createInterface({ input: app.stdout as NodeJS.ReadableStream })) {
    said.push(line);
    const url = /Browse\s+(http:\/\/[^/\s]+)/.exec(line)?.[1];
    if (url === undefined) continue;
    app.stdout?.resume();
    return url;
  }
  throw new Error(`the application ended:\n${said.join('\n')}`);
}
