import { parseArgs } from 'node:util';
import { nearest, StartupError, type Topology } from '@fledge/kit/operations';
import { usageError } from '../command.js';
import { INSPECT_PORT_DEFAULT } from './inspect-ports.js';
import type { LogFilter } from './line-log.js';
import { replicaNames } from './local-run.js';
import { type Level, levelNamed, LEVELS } from './log-filter.js';

const USAGE = `fledge start [topology] [--watch] [--tls] [--inspect[=port]] [--only <service>,…] [--level <level>]`;
/** The broker writes lines, too. */
const BROKER = 'nats';

/** What `fledge start` was asked. */
export interface StartOptions {
  readonly topology: string | undefined;
  readonly watch: boolean;
  /** Whether to use TLS, with certificates for development. */
  readonly tls: boolean;
  /** The first port to try for inspectors; undefined for none. */
  readonly inspect: number | undefined;
  /** The names of services whose lines to print; undefined for all. */
  readonly only: readonly string[] | undefined;
  readonly level: Level | undefined;
}

/** Reads the arguments of `fledge start`. @throws StartupError for any that it does not take. */
export function startOptions(args: readonly string[]): StartOptions {
  const { values, positionals } = parsed(args);
  if (positionals.length > 1) throw usageError(USAGE, `it takes one topology, but got '${positionals.join(' ')}'`);
  return {
    topology: positionals[0],
    watch: values.watch ?? false,
    tls: values.tls ?? false,
    inspect: values.inspect === undefined ? undefined : portOf(values.inspect),
    only: values.only
      ?.split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
    level: values.level === undefined ? undefined : levelOf(values.level),
  };
}

function parsed(args: readonly string[]): {
  readonly values: {
    readonly watch?: boolean;
    readonly tls?: boolean;
    readonly inspect?: string;
    readonly only?: string;
    readonly level?: string;
  };
  readonly positionals: readonly string[];
} {
  try {
    return parseArgs({
      // the value of --inspect may be left out, and is then not the next argument
      args: args.map((arg) => (arg === '--inspect' ? `--inspect=${INSPECT_PORT_DEFAULT}` : arg)),
      allowPositionals: true,
      options: {
        watch: { type: 'boolean' },
        tls: { type: 'boolean' },
        inspect: { type: 'string' },
        only: { type: 'string' },
        level: { type: 'string' },
      },
    });
  } catch (error) {
    const [fact = ''] = (error as Error).message.split('. ');
    throw usageError(USAGE, fact.charAt(0).toLowerCase() + fact.slice(1));
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1_024 || port > 65_535)
    throw usageError(USAGE, `--inspect takes a port from 1024 to 65535, but got '${text}'`);
  return port;
}

function levelOf(text: string): Level {
  const level = levelNamed(text);
  if (level === undefined) throw usageError(USAGE, `--level is one of ${LEVELS.join(', ')}, but got '${text}'`);
  return level;
}

/** Which lines to print. @throws StartupError if the topology has no service with a name that was given. */
export function logFilter({ only, level }: StartOptions, topology: Topology): LogFilter {
  const services = topology.services.map((service) => service.name);
  for (const name of only ?? []) {
    if (services.includes(name) || name === BROKER) continue;
    const guess = nearest(name, services);
    throw new StartupError(
      'service',
      `${topology.file} has no service '${name}'`,
      guess ? `Did you mean '${guess}'?` : `It has: ${services.join(', ')}.`,
      { services },
    );
  }
  const shown = topology.services.filter(({ name }) => only?.includes(name)).flatMap(replicaNames);
  return {
    ...(only && { only: new Set(only.includes(BROKER) ? [...shown, BROKER] : shown) }),
    ...(level && { level }),
  };
}
