import { againOptions, type LabOptions } from './lab-options.js';
import type { RoundResult } from './round.js';
import type { TopologyName } from './shop/topologies.js';

/** Reports each seed in a line, and a summary at the end. */
export class Report {
  private counted = 0;
  private readonly uncounted: string[] = [];
  private readonly skipped: string[] = [];
  private readonly broken: string[] = [];
  private readonly injuries = new Map<string, number>();
  private readonly states = new Map<number, Map<string, string>>();

  constructor(private readonly options: LabOptions) {}

  /** Whether nothing was broken, and something was measured. */
  get isGreen(): boolean {
    return this.isUnbroken && this.counted > 0;
  }

  get isUnbroken(): boolean {
    return this.broken.length === 0;
  }

  add(topology: TopologyName, result: RoundResult, counts: boolean): void {
    const { seed, area, accepted, orders, injuries, done, broken, skipped, slowest, notes, refusals, state, tookMs } =
      result;
    for (const { what } of injuries) this.count(what);
    for (const [what, times] of Object.entries(done)) this.count(`  ${what}`, times);
    if (counts) this.counted += 1;
    else if (skipped !== undefined) this.skipped.push(`${topology} ${seed}, ${area}: ${skipped}`);
    else this.uncounted.push(`${topology} ${seed}: ${accepted} of ${orders} accepted; ${refusals[0] ?? ''}`);
    const verdict =
      skipped !== undefined ? 'SKIPPED' : broken.length > 0 ? 'BROKEN' : counts ? 'held' : 'does not count';
    const orderTimes = `slowest ${seconds(slowest.mostMs)}, p95 ${seconds(slowest.p95Ms)}`;
    print(
      `${topology.padEnd(9)} seed ${seed}, ${area}: ${[verdict, `${accepted} of ${orders} orders accepted`, orderTimes, `${injuries.length} injuries`, seconds(tookMs), ...notes].join(', ')}`,
    );
    if (this.options.states) print(state);
    if (broken.length > 0) this.tell(topology, result);
    if (area === 'nothing') this.compare(topology, seed, state);
  }

  /** What was done to the shop, and how it coped. */
  conclude(): void {
    print('');
    for (const [what, times] of [...this.injuries].sort()) print(`${String(times).padStart(7)} ${what}`);
    for (const line of this.skipped) print(`skipped: ${line}`);
    for (const line of this.uncounted) print(`not counted: ${line}`);
    for (const line of this.broken) print(`BROKEN: ${line}`);
    print(
      `${this.counted} rounds counted, ${this.uncounted.length} not, ${this.broken.length} broken${this.skipped.length > 0 ? `, ${this.skipped.length} skipped` : ''}`,
    );
  }

  private tell(topology: TopologyName, { seed, area, broken, timelines, injuries }: RoundResult): void {
    for (const line of broken) print(`  ${line}`);
    for (const line of timelines) print(`  ${line}`);
    for (const injury of injuries) print(`  ${JSON.stringify(injury)}`);
    print(`  again: npm run test:faults -- --topology ${topology} --seed ${seed}${againOptions(this.options, area)}`);
    this.broken.push(`${topology} ${seed}: ${broken[0] ?? ''}`);
  }

  /** Without faults a seed must end in the same state in every topology. */
  private compare(topology: TopologyName, seed: number, state: string): void {
    const states = this.states.get(seed) ?? new Map<string, string>();
    this.states.set(seed, states.set(topology, state));
    const [first] = states;
    if (first === undefined || first[1] === state) return;
    this.broken.push(`seed ${seed} ends otherwise in ${topology} than in ${first[0]}:\n${difference(first[1], state)}`);
    print(`  ${this.broken.at(-1)}`);
  }

  private count(what: string, times = 1): void {
    this.injuries.set(what, (this.injuries.get(what) ?? 0) + times);
  }
}

function difference(one: string, other: string): string {
  const others = other.split('\n');
  return one
    .split('\n')
    .flatMap((line, i) => (line === others[i] ? [] : [`    ${line}`, `    ${others[i] ?? ''}`]))
    .join('\n');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
