import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import {
  type EmbeddedPostgres,
  foreignSecrets,
  freePort,
  isPortFree,
  type Service,
  SIGNING_KEY_VARIABLE,
  startEmbeddedPostgres,
  StartupError,
  type Topology,
  usesEmbedded,
} from '@fledge/kit/operations';
import { type FrontDoor, frontDoor } from '../front-door/index.js';
import type { ModuleInfo, Project } from '../project.js';
import { type Broker, startBroker } from './broker.js';
import { developmentTls, type DevelopmentTls } from './development-tls.js';
import { inspectPorts } from './inspect-ports.js';
import type { LineLog } from './line-log.js';
import { type Launch, originOf, type ReplicaPlan, replicaProcess } from './replica.js';
import { pinsKeys, ServiceKeys } from './service-keys.js';
import type { SupervisedProcess } from './supervised-process.js';

/** Enough for migrations and for filling tables the first time. */
const READY_TIMEOUT_MS = 120_000;
/** The longest time of a timer. With `--watch` there is no limit: the developer sees that a service is not ready. */
const NO_TIMEOUT_MS = 2 ** 31 - 1;
/** Extra time of a replica beyond its drain, to close pools and sockets. */
const STOP_GRACE_MS = 3_000;
const BROKER_STOP_TIMEOUT_MS = 10_000;
/** From which the front door sends requests to services on the same machine. */
const OWN_ADDRESSES = '127.0.0.0/8, ::1';
/** For the front door to notice that a replica is ready. */
const DOOR_TIMEOUT_MS = 5_000;

/** What to run on this machine. */
export interface RunPlan {
  readonly project: Project;
  readonly topology: Topology;
  readonly modules: readonly ModuleInfo[];
  readonly env: NodeJS.ProcessEnv;
  readonly log: LineLog;
  /** Whether the servers that this starts, and the services, take TLS connections, with certificates for development. */
  readonly tls?: boolean;
  /** The first port to try for the inspector of a process. Default: no inspectors. */
  readonly inspect?: number;
  /** Starts the processes of services whose code is being changed: they may fail, and they end without a notice. */
  readonly launch?: (launch: Launch) => ChildProcess;
}

interface RunningReplica {
  readonly name: string;
  readonly service: string;
  readonly process: SupervisedProcess;
}

/**
 * A topology on this machine: PostgreSQL and a broker unless servers are configured, a process for every replica, and
 * one front door in front of them. A single process needs no front door: it listens on the port itself.
 */
export class LocalRun {
  private postgres: EmbeddedPostgres | undefined;
  private broker: Broker | undefined;
  private tls: DevelopmentTls | undefined;
  private keys: ServiceKeys | undefined;
  private door: FrontDoor | undefined;
  /** The port of a single process. */
  private port = 0;
  private adminPort: number | undefined;
  private readonly replicas: RunningReplica[] = [];
  /** Where each replica listens now. */
  private readonly urls = new Map<string, string>();
  private ports: ReadonlyMap<string, number> = new Map();
  private started: Promise<void> = Promise.resolve();
  private stopped: Promise<void> | undefined;

  constructor(private readonly plan: RunPlan) {}

  /** The names of everything that writes to the log. */
  static writers(topology: Topology): readonly string[] {
    return [
      'fledge',
      ...(usesEmbedded(topology) ? ['postgres'] : []),
      ...(topology.transport === 'nats' ? ['nats'] : []),
      ...topology.services.flatMap(replicaNames),
    ];
  }

  /** The URL of the application. */
  get url(): string {
    const { http } = this.plan.topology;
    return originOf(http.host, this.door?.port ?? this.port, this.certificate ? 'https' : 'http');
  }

  /** The URL of the port that answers health, metrics and documents: the same, unless the topology has one for them. */
  get adminUrl(): string {
    const port = this.door?.adminPort ?? this.adminPort;
    return port === undefined ? this.url : originOf(this.plan.topology.http.host, port);
  }

  /** The ports of the inspectors, by the names of the replicas. */
  get inspectors(): ReadonlyMap<string, number> {
    return this.ports;
  }

  /** The file of the certificate that the application shows, if it serves HTTPS. */
  get certFile(): string | undefined {
    return this.certificate?.cert;
  }

  /** The authority of the certificates for development, if there are any. */
  get authority(): string | undefined {
    return this.tls?.certificates.ca;
  }

  /** The URL of the broker that this run started. */
  get brokerUrl(): string | undefined {
    return this.broker?.url;
  }

  /** The folder of the embedded PostgreSQL's data, relative to the project; undefined if a database is configured. */
  get dataFolder(): string | undefined {
    return this.postgres ? '.data/postgres' : undefined;
  }

  /**
   * Starts everything; resolves when every service accepts work, or when `stop` was called meanwhile.
   * @throws StartupError when something cannot start; what has started is for `stop` to end.
   */
  start(): Promise<void> {
    return (this.started = this.startInOrder());
  }

  /**
   * Ends everything in order: pending requests are answered, services drain, then the broker and PostgreSQL end.
   * Resolves when nothing is left. Safe to call again, and during the start.
   */
  stop(): Promise<void> {
    return (this.stopped ??= this.stopInOrder());
  }

  /**
   * Restarts the replicas of a service, one after the other; each drains first. Resolves with true when all are ready
   * again, with false if one ended before that, or everything is being stopped.
   */
  async restart(service: string): Promise<boolean> {
    let ready = true;
    for (const replica of this.replicas.filter((one) => one.service === service))
      ready = (await this.restartReplica(replica)) && ready;
    return ready;
  }

  /** Ends all services at once. PostgreSQL and the broker end with this process. */
  kill(): void {
    for (const { process } of this.replicas) process.kill();
    this.broker?.process.kill();
  }

  private async restartReplica({ name, process }: RunningReplica): Promise<boolean> {
    if (!(await process.restart(this.stopTimeoutMs))) return false;
    // the front door asks by itself, so it knows a moment later
    const url = this.urls.get(name);
    const known = url === undefined ? undefined : this.door?.whenReady(DOOR_TIMEOUT_MS, [url]);
    return (known ?? Promise.resolve()).then(
      () => true,
      // it has ended again, or everything is being stopped
      () => false,
    );
  }

  private get isStopping(): boolean {
    return this.stopped !== undefined;
  }

  private async startInOrder(): Promise<void> {
    const { topology, log } = this.plan;
    this.tls = await developmentTls(this.plan);
    await this.claimPort();
    if (this.plan.inspect !== undefined)
      this.ports = await inspectPorts(this.plan.inspect, topology.services.flatMap(replicaNames));
    // in parallel; if one fails, `stop` ends the other
    const servers = await Promise.allSettled([this.startPostgres(), this.startBroker()]);
    for (const server of servers) if (server.status === 'rejected') throw server.reason;
    if (this.isStopping) return;
    for (const service of topology.services)
      for (const name of replicaNames(service))
        this.replicas.push({ name, service: service.name, process: replicaProcess(this.replica(service, name), log) });
    const timeoutMs = this.plan.launch ? NO_TIMEOUT_MS : READY_TIMEOUT_MS;
    await Promise.all(this.replicas.map(({ process }) => process.start(timeoutMs)));
    // added separately from the processes: the front door must know them before their first requests
    if (!this.isStopping)
      await this.door?.whenReady(READY_TIMEOUT_MS).catch((error: Error) => this.unlessStopping(error));
  }

  private async startPostgres(): Promise<void> {
    const { topology, project, log } = this.plan;
    if (!usesEmbedded(topology) || this.isStopping) return;
    this.postgres = await startEmbeddedPostgres({
      dir: join(project.root, '.data/postgres'),
      tls: this.tls?.database,
      keepUp: (line) => log.print('postgres', line),
    });
  }

  private async startBroker(): Promise<void> {
    const { topology, project, log } = this.plan;
    if (topology.transport !== 'nats' || topology.nats.servers.length > 0 || this.isStopping) return;
    this.broker = await startBroker(join(project.root, '.data/nats'), log, this.tls?.broker);
    if (!pinsKeys(topology)) this.keys = new ServiceKeys(topology);
  }

  private get isAlone(): boolean {
    const { services } = this.plan.topology;
    return services.length === 1 && services[0]?.replicas === 1;
  }

  /** What the front door and each service show. */
  private get certificate(): Topology['http']['tls'] {
    return this.plan.topology.http.tls ?? this.tls?.http;
  }

  private async claimPort(): Promise<void> {
    const { http } = this.plan.topology;
    if (!this.isAlone) {
      this.door = await frontDoor({
        port: http.port,
        host: http.host,
        adminPort: http.adminPort,
        requestTimeoutMs: http.requestTimeoutMs + STOP_GRACE_MS,
        trustedProxies: http.trustedProxies,
        tls: this.certificate,
      });
      return;
    }
    this.port = http.port === 0 ? await freePort(http.host) : http.port;
    this.adminPort = http.adminPort === 0 ? await freePort(http.host) : http.adminPort;
    if (http.port !== 0 && !(await isPortFree(http.port, http.host))) {
      // reported before a database is started in vain; the service itself reports the rare other causes
      throw new StartupError(
        'port',
        `port ${http.port} on ${http.host} is in use`,
        'Choose another with PORT, or end the process that holds it.',
        { port: http.port, host: http.host },
      );
    }
  }

  private replica(service: Service, name: string): ReplicaPlan {
    const { project, topology, modules, env, launch } = this.plan;
    const inspectPort = this.ports.get(name);
    const prefixes = modules
      .filter((module) => service.modules.includes(module.name))
      .flatMap((module) => module.routes);
    return {
      name,
      service: service.name,
      root: project.root,
      app: project.app,
      topologyFile: topology.file,
      env: {
        ...withoutSecretsOfOthers(env, topology, service),
        ...this.tls?.env,
        ...(this.postgres && {
          DATABASE_URL: this.tls?.databaseUrl(this.postgres.url) ?? this.postgres.url,
          FLEDGE_DATABASE_LOGINS: env.FLEDGE_DATABASE_LOGINS || 'own',
        }),
        ...(this.broker && { NATS_URL: this.broker.url, ...this.keys?.envOf(service.name) }),
        ...(launch && { FLEDGE_DRAIN_NOTICE: '0s' }),
        ...(this.door && { FLEDGE_TRUSTED_PROXIES: OWN_ADDRESSES }),
      },
      // all that belong to some module or service: a process that may become another service has none of them
      secrets: [SIGNING_KEY_VARIABLE, ...foreignSecrets(topology, [])],
      host: topology.http.host,
      certFile: this.certFile,
      ...(this.isAlone && { port: this.port, adminPort: this.adminPort }),
      ...(inspectPort !== undefined && { inspectPort }),
      ...(launch && { launch, waitsForChange: true }),
      onStart: (url) => {
        this.urls.set(name, url);
        this.door?.add(url, prefixes);
      },
      onRestart: (url) => void this.door?.remove(url),
      onEnd: (url) => void this.door?.remove(url),
    };
  }

  private get stopTimeoutMs(): number {
    const { noticeMs, timeoutMs } = this.plan.topology.drain;
    return noticeMs + timeoutMs + STOP_GRACE_MS;
  }

  private unlessStopping(error: Error): void {
    if (!this.isStopping) throw error;
  }

  private async stopInOrder(): Promise<void> {
    await this.door?.close();
    await Promise.all(this.replicas.map(({ process }) => process.stop(this.stopTimeoutMs)));
    // a database whose start was pending is up now; why a start failed is for its caller to report
    await Promise.allSettled([this.started]);
    await this.broker?.process.stop(BROKER_STOP_TIMEOUT_MS);
    await this.postgres?.stop();
  }
}

/** What a service inherits: not the variables that hold secrets of modules which it does not host. */
function withoutSecretsOfOthers(env: NodeJS.ProcessEnv, topology: Topology, service: Service): NodeJS.ProcessEnv {
  const foreign = foreignSecrets(topology, service.modules);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.includes(name)));
}

/** `inventory`, or `inventory.1` and so on if there are several. */
export function replicaNames(service: Service): readonly string[] {
  return service.replicas === 1
    ? [service.name]
    : Array.from({ length: service.replicas }, (_, i) => `${service.name}.${i + 1}`);
}
