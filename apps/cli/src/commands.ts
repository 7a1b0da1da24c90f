import type { Command } from './command.js';

/** All commands. Each loads only its own code, so that a fast one stays fast. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'start',
    takes: '[topology] [--watch] …',
    summary: 'runs a topology on this machine: a name in config/ or a file; default monolith',
    run: async (args) => (await import('./start.command.js')).start(args),
  },
  {
    name: 'restart',
    takes: '<service>',
    summary: "restarts a service of the 'fledge start' that runs in this project",
    run: async (args) => (await import('./restart.command.js')).restart(args),
  },
  {
    name: 'topology',
    takes: '<topology>',
    summary: 'checks a topology and prints who hosts what; starts nothing',
    run: async (args) => (await import('./topology.command.js')).topology(args),
  },
  {
    name: 'certs',
    takes: 'dev [--name …]',
    summary: 'makes or renews an authority and certificates for development in .data/certs',
    run: async (args) => (await import('./certs.command.js')).certs(args),
  },
  {
    name: 'verify',
    takes: '[folder] [--baseline]',
    summary: "checks the modules' boundaries in the sources of an npm workspace; default the one around",
    run: async (args) => (await import('./verify.command.js')).verify(args),
  },
  {
    name: 'migration',
    takes: 'generate|run|revert|show …',
    summary: "writes, runs, reverts or lists the migrations of modules' schemas",
    run: async (args) => (await import('./migration.command.js')).migration(args),
  },
  {
    name: 'database',
    takes: 'roles …',
    summary: 'prints the SQL that makes a login of PostgreSQL for each module',
    run: async (args) => (await import('./database.command.js')).database(args),
  },
  {
    name: 'nats',
    takes: 'keys|config|provision …',
    summary: 'makes keys, permissions, and the stream and consumers for services on a NATS broker',
    run: async (args) => (await import('./nats.command.js')).nats(args),
  },
  {
    name: 'consumers',
    takes: '[--module …]',
    summary: 'shows the progress of consumers: waiting, held and dead messages; and unsent ones',
    run: async (args) => (await import('./consumers.command.js')).consumers(args),
  },
  {
    name: 'dead-letters',
    takes: 'list|show|resend|abandon …',
    summary: 'lists, shows, resends or abandons messages that are no longer retried',
    run: async (args) => (await import('./dead-letters.command.js')).deadLetters(args),
  },
  {
    name: 'processes',
    takes: 'list|show|resume …',
    summary: 'lists, shows or resumes the runs of processes',
    run: async (args) => (await import('./processes.command.js')).processes(args),
  },
  {
    name: 'replay',
    takes: '--since … [--module …]',
    summary: 'sends again what modules have published since a time, after a broker has lost it',
    run: async (args) => (await import('./replay.command.js')).replay(args),
  },
];
