import 'reflect-metadata';
import { type INestApplicationContext, Logger } from '@nestjs/common';
import { CallContext, now, runIsolated } from '../boundary/index.js';
import { providerClass, providersOf } from '../bus/index.js';
import { StartupError } from '../contract/index.js';

/** Options of a readiness check. */
export interface ReadinessCheckOptions {
  /** How long it may take before it counts as failed, in milliseconds. 10 to 10,000; default 1,000. */
  readonly timeoutMs?: number;
}

const TIMEOUT_DEFAULT_MS = 1_000;
const TIMEOUT_MAX_MS = 10_000;
/** However often `/readyz` is requested, each check is asked once in this time, in milliseconds. */
const ASKED_EVERY_MS = 1_000;

interface CheckSpec {
  readonly name: string;
  readonly method: string;
  readonly timeoutMs: number;
}

const CHECKS = 'fledge:readiness-checks';
const NAME = /^[a-z][a-z0-9-]{0,62}$/;

/**
 * Makes a provider's method part of `/readyz` of each process that hosts its module: while it fails, the process takes
 * no requests from a balancer. It fails if it throws, returns `false`, takes longer than `timeoutMs`, or returns a
 * result of `@nestjs/terminus` in which something is `down`. If something is `degraded`, load balancers prefer other
 * replicas. Anything else is success. It runs at most once a second, however many probes there are, and never again
 * before it has ended.
 *
 * Check only what this process needs for all of its work and other replicas may still have. A dependency that all
 * replicas share makes all of them unready at once.
 * @param name up to 63 lower-case letters, digits and hyphens, beginning with a letter; unique within the module.
 * `/readyz` shows it as `<module>.<name>`; the reason of a failure is only in the log.
 * @throws StartupError for a name or a `timeoutMs` that is not allowed.
 */
export function ReadinessCheck(
  name: string,
  { timeoutMs = TIMEOUT_DEFAULT_MS }: ReadinessCheckOptions = {},
): MethodDecorator {
  return (target, method) => {
    const where = `${target.constructor.name}.${String(method)}`;
    if (!NAME.test(name))
      throw new StartupError(
        'readiness-check',
        `the readiness check ${where} has the name ${JSON.stringify(name)}`,
        'Use up to 63 lower-case letters, digits and hyphens, beginning with a letter.',
      );
    if (!Number.isInteger(timeoutMs) || timeoutMs < 10 || timeoutMs > TIMEOUT_MAX_MS)
      throw new StartupError(
        'readiness-check',
        `the readiness check ${where} may take ${timeoutMs} ms`,
        'Use whole milliseconds from 10 to 10,000.',
      );
    const spec: CheckSpec = { name, method: String(method), timeoutMs };
    Reflect.defineMetadata(CHECKS, [...specsOf(target.constructor), spec], target.constructor);
  };
}

function specsOf(cls: object): readonly CheckSpec[] {
  return (Reflect.getMetadata(CHECKS, cls) as readonly CheckSpec[] | undefined) ?? [];
}

/**
 * The readiness checks among a container's providers.
 * @throws StartupError for two with the same name, and for one of a request-scoped provider.
 */
export function readinessChecksOf(app: INestApplicationContext, module: string): Check[] {
  const checks = new Map<string, Check>();
  const seen = new Set<unknown>();
  for (const wrapper of providersOf(app)) {
    const cls = providerClass(wrapper);
    if (cls === undefined || seen.has(cls)) continue;
    seen.add(cls);
    for (const spec of specsOf(cls)) {
      const where = `${cls.name}.${spec.method}`;
      if (checks.has(spec.name))
        throw new StartupError(
          'readiness-check',
          `${module} has two readiness checks '${spec.name}', one of them ${where}`,
          'Give each a name of its own in @ReadinessCheck.',
        );
      if (!wrapper.isDependencyTreeStatic())
        throw new StartupError(
          'readiness-check',
          `the provider of the readiness check ${where} is made anew for each request`,
          'Leave `scope` out of it and of what it injects.',
        );
      const instance = wrapper.instance as Readonly<Record<string, () => unknown>>;
      checks.set(spec.name, new Check(module, spec, () => instance[spec.method]?.()));
    }
  }
  return [...checks.values()];
}

/** What a check found: `degraded` is work that can be done, but better elsewhere. */
type Verdict = 'up' | 'degraded' | 'down';

interface Finding {
  readonly verdict: Verdict;
  readonly why?: string;
}

/** One readiness check of a module of this process. */
export class Check {
  readonly name: `${string}.${string}`;
  private readonly logger = new Logger('host');
  private latest: Verdict = 'up';
  private askedAt = -Infinity;
  private asking: Promise<Verdict> | undefined;
  /** A run that has not ended, though its time may be up. */
  private running: Promise<Finding> | undefined;

  constructor(
    private readonly module: string,
    private readonly spec: CheckSpec,
    private readonly run: () => unknown,
  ) {
    this.name = `${module}.${spec.name}`;
  }

  /** What it found at most `ASKED_EVERY_MS` ago. Never rejects. */
  verdict(): Promise<Verdict> {
    if (this.asking) return this.asking;
    if (now() - this.askedAt < ASKED_EVERY_MS) return Promise.resolve(this.latest);
    return (this.asking = this.ask().finally(() => {
      this.askedAt = now();
      this.asking = undefined;
    }));
  }

  private async ask(): Promise<Verdict> {
    const { timeoutMs } = this.spec;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Finding>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, { verdict: 'down', why: `it did not end within ${timeoutMs} ms` });
    });
    const { verdict, why } = await Promise.race([this.finding(timeoutMs), late]);
    clearTimeout(timer);
    // only changes: a probe comes every few seconds
    if (verdict !== this.latest)
      this.logger.warn(`the readiness check ${this.name} is ${verdict}${why === undefined ? '' : `: ${why}`}`);
    return (this.latest = verdict);
  }

  /** One that still runs is waited for, not started again. */
  private finding(timeoutMs: number): Promise<Finding> {
    return (this.running ??= this.attempt(timeoutMs).finally(() => (this.running = undefined)));
  }

  private async attempt(timeoutMs: number): Promise<Finding> {
    const context = new CallContext(this.module, 'job', now() + timeoutMs, undefined, undefined, undefined);
    try {
      return findingIn(await runIsolated(context, { execute: () => this.run() }, this));
    } catch (error) {
      return { verdict: 'down', why: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** Reads `false`, and a result of terminus: its parts by name, each with a status. */
function findingIn(result: unknown): Finding {
  if (result === false) return { verdict: 'down', why: 'it returned false' };
  if (typeof result !== 'object' || result === null) return { verdict: 'up' };
  const parts = Object.entries(result).filter(
    ([, part]: [string, unknown]) =>
      typeof part === 'object' && part !== null && 'status' in part && part.status !== 'up',
  ) as [string, { readonly status: unknown }][];
  if (parts.length === 0) return { verdict: 'up' };
  const isDown = parts.some(([, { status }]) => status !== 'degraded');
  return { verdict: isDown ? 'down' : 'degraded', why: JSON.stringify(Object.fromEntries(parts)) };
}
