/** A replica as others see it when they divide work. */
export interface Member {
  readonly replica: string;
  /** The version of the view with which it joined: the lower, the earlier. */
  readonly joined: number;
  /** The groups of work that it takes part in. */
  readonly groups: readonly string[];
  /** Whether it can reach what it needs besides the database. */
  readonly healthy: boolean;
}

/**
 * The parts of a group's work that belong to a replica. Every replica that sees the same members computes the same
 * answer, so nobody has to store it. Only members of the group get parts, and only healthy ones if there are any. A
 * group of one part stays with the member that joined first; one of many parts is divided evenly, and a change of
 * members moves few of them (rendezvous hashing, after Thaler and Ravishankar 1998, with a bound for each member).
 */
export function partsOf(
  replica: string,
  group: string,
  parts: number,
  members: readonly Member[],
): ReadonlySet<number> {
  const able = eligible(group, members);
  const own = new Set<number>();
  if (!able.some((member) => member.replica === replica)) return own;
  if (parts === 1) return able[0]?.replica === replica ? own.add(0) : own;
  const bound = Math.ceil(parts / able.length);
  const counts = new Map<string, number>();
  for (let part = 0; part < parts; part++) {
    const [winner] = able
      .filter((member) => (counts.get(member.replica) ?? 0) < bound)
      .map((member) => ({ replica: member.replica, weight: weightOf(`${member.replica}:${group}:${part}`) }))
      .sort((a, b) => b.weight - a.weight);
    if (!winner) continue;
    counts.set(winner.replica, (counts.get(winner.replica) ?? 0) + 1);
    if (winner.replica === replica) own.add(part);
  }
  return own;
}

function eligible(group: string, members: readonly Member[]): Member[] {
  const taking = members.filter((member) => member.groups.includes(group));
  const healthy = taking.filter((member) => member.healthy);
  return (healthy.length > 0 ? healthy : taking).sort(
    (a, b) => a.joined - b.joined || (a.replica < b.replica ? -1 : 1),
  );
}

/** FNV-1a, 32 bits, with a final mix, so that similar texts have very different weights. */
function weightOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 15)) >>> 0;
}
