import { PathOwners } from '@fledge/kit/operations';
import type { Target } from './target.js';

interface Route {
  readonly targets: Target[];
  turn: number;
}

/**
 * Which targets serve which path prefix. The longest prefix wins; the highest-ranked ready targets of a prefix take
 * turns.
 */
export class RoutingTable {
  private readonly routes = new PathOwners<Route>();
  private readonly everywhere: Route = { targets: [], turn: 0 };

  /** Adds a target to some prefixes. */
  add(target: Target, prefixes: Iterable<string>): void {
    for (const prefix of prefixes) {
      const route = this.routes.get(prefix);
      if (!route) this.routes.set(prefix, { targets: [target], turn: 0 });
      else if (!route.targets.includes(target)) route.targets.push(target);
    }
    if (!this.everywhere.targets.includes(target)) this.everywhere.targets.push(target);
  }

  /** Removes a target from all prefixes. A prefix without targets stays known: it is unavailable, not unknown. */
  remove(target: Target): void {
    for (const { targets } of [this.everywhere, ...this.all]) {
      const index = targets.indexOf(target);
      if (index >= 0) targets.splice(index, 1);
    }
  }

  /**
   * The highest-ranked ready target for a path, excluding those already tried. A path that nobody owns goes to any
   * target: all services answer it in the same way, as one process does.
   */
  pick(url: string, tried: readonly Target[] = []): Target | undefined {
    return next(this.routes.of(url) ?? this.everywhere, tried);
  }

  /** Whether another target that answers serves a path, excluding those already tried. */
  hasOther(url: string, tried: readonly Target[]): boolean {
    return (this.routes.of(url) ?? this.everywhere).targets.some(
      (target) => target.isAnswering && !tried.includes(target),
    );
  }

  /**
   * One ready target for each prefix, each target once: together they serve everything. Undefined for a prefix without
   * any.
   */
  pickEach(): (Target | undefined)[] {
    return [
      ...new Set(
        this.all.map(
          ({ targets }) => targets.find((target) => target.isAnswering) ?? targets.find((target) => target.isReady),
        ),
      ),
    ];
  }

  /** The prefixes that no ready target serves. */
  get uncovered(): readonly string[] {
    return this.routes
      .entries()
      .filter(([, { targets }]) => !targets.some((target) => target.isReady))
      .map(([prefix]) => prefix);
  }

  private get all(): readonly Route[] {
    return this.routes.entries().map(([, route]) => route);
  }
}

/** The next in turn of the highest-ranked targets. */
function next(route: Route, tried: readonly Target[]): Target | undefined {
  const { targets, turn } = route;
  let best: Target | undefined;
  for (let i = 1; i <= targets.length; i++) {
    const at = (turn + i) % targets.length;
    const target = targets[at] as Target;
    if (target.rank <= (best?.rank ?? 0) || tried.includes(target)) continue;
    best = target;
    route.turn = at;
  }
  return best;
}
