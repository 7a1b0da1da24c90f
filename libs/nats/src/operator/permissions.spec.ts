import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartupError } from '@fledge/kit/contract';
import type { SystemGraph } from '@fledge/kit/transport';
import { makeKeys, publicKeys, readSeed, seedFileOf } from './keys.js';
import { permissionsOf } from './permissions.js';
import { natsServerConfig } from './server-config.js';

/** Two modules share a service, one calls in a chain, and one neither calls nor is called. */
const graph: SystemGraph = {
  namespace: 'cafe',
  services: [
    { name: 'front', modules: ['till'] },
    { name: 'back', modules: ['kitchen', 'pantry'] },
    { name: 'alone', modules: ['diary'] },
  ],
  uses: { till: ['kitchen'], kitchen: ['pantry'], pantry: [], diary: [] },
  clients: { reporting: ['pantry', 'till'], idle: [] },
};

describe('the permissions of a system', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fledge-keys-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('are the same text each time, in whatever order the contracts are listed', () => {
    makeKeys(graph, folder);
    const turned: SystemGraph = {
      ...graph,
      uses: Object.fromEntries(Object.entries(graph.uses).toReversed()),
      clients: { idle: [], reporting: ['till', 'pantry'] },
      services: graph.services.toReversed().map(({ name, modules }) => ({ name, modules: modules.toReversed() })),
    };
    const text = natsServerConfig(graph, publicKeys(graph, folder));
    expect(natsServerConfig(turned, publicKeys(turned, folder))).toBe(text);
    expect(natsServerConfig(graph, publicKeys(graph, folder))).toBe(text);
    expect(text).not.toContain('allow_responses');
    expect(text).not.toContain(readSeed(seedFileOf(folder, 'front')));
  });

  it('never let a service publish to everything below a namespace', () => {
    for (const { publish } of permissionsOf(graph).values())
      expect(publish.filter((subject) => subject.startsWith('cafe.') && subject.includes('>'))).toEqual([]);
  });

  it('have keys that are made once, and that only their owner can read', async () => {
    expect(makeKeys(graph, folder)).toEqual(['alone', 'back', 'front', 'idle', 'reporting', '_operator']);
    const before = publicKeys(graph, folder);
    expect(makeKeys(graph, folder)).toEqual([]);
    expect(publicKeys(graph, folder)).toEqual(before);
    expect(new Set(before.values()).size).toBe(6);
    expect((await stat(seedFileOf(folder, 'front'))).mode & 0o077).toBe(0);
    await rm(seedFileOf(folder, 'front'));
    expect(() => publicKeys(graph, folder)).toThrow(StartupError);
  });
});
