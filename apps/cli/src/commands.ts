import type { Command } from './command.js';

/** All commands. Each loads its own code alone, so that a quick one stays quick. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'start',
    takes: '[topology]',
    summary: 'runs a topology on this machine: a name in config/ or a file; default monolith',
    run: async (args) => (await import('./start.command.js')).start(args),
  },
  {
    name: 'topology',
    takes: '<topology>',
    summary: 'checks a topology and prints who hosts what; starts nothing',
    run: async (args) => (await import('./topology.command.js')).topology(args),
  },
  {
    name: 'verify',
    takes: '[folder]',
    summary: "checks the modules' boundaries in the sources of an npm workspace; default the one around",
    run: async (args) => (await import('./verify.command.js')).verify(args),
  },
];
