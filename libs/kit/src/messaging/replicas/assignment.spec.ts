import { type Member, partsOf } from './assignment.js';

const member = (replica: string, joined: number, more: Partial<Member> = {}): Member => ({
  replica,
  joined,
  groups: ['work', 'one'],
  healthy: true,
  ...more,
});
const PARTS = 16;

function division(members: readonly Member[], group = 'work', parts = PARTS): Map<string, number[]> {
  return new Map(members.map(({ replica }) => [replica, [...partsOf(replica, group, parts, members)]]));
}

describe('the division of work among replicas', () => {
  it.each([1, 2, 3, 5, 16, 20])(
    'gives each part to one of %i members, and none of them more than its share',
    (count) => {
      const members = Array.from({ length: count }, (_, n) => member(`replica ${n}`, n));
      const divided = [...division(members).values()];
      expect(divided.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: PARTS }, (_, part) => part));
      expect(Math.max(...divided.map((parts) => parts.length))).toBeLessThanOrEqual(Math.ceil(PARTS / count));
    },
  );

  it('is the same in whatever order the members are read', () => {
    const members = ['a', 'b', 'c'].map((name, n) => member(name, n));
    expect(division([...members].reverse()).get('b')).toEqual(division(members).get('b'));
  });

  it('leaves most parts where they are when a member joins', () => {
    const before = ['a', 'b', 'c'].map((name, n) => member(name, n));
    const [was, is] = [division(before), division([...before, member('d', 3)])];
    const stayed = before.flatMap(({ replica }) =>
      (is.get(replica) ?? []).filter((part) => was.get(replica)?.includes(part)),
    );
    expect(stayed.length).toBeGreaterThanOrEqual(8);
  });

  it('leaves a group of one part with the member that joined first', () => {
    expect(division([member('z', 1), member('a', 2)], 'one', 1)).toEqual(
      new Map([
        ['z', [0]],
        ['a', []],
      ]),
    );
  });

  it('gives nothing to a member outside the group, nor to an unhealthy one while others are healthy', () => {
    expect(division([member('a', 1, { groups: [] }), member('b', 2)]).get('b')).toHaveLength(PARTS);
    expect(division([member('a', 1, { healthy: false }), member('b', 2)]).get('b')).toHaveLength(PARTS);
    expect(division([member('a', 1, { healthy: false }), member('b', 2, { healthy: false })]).get('a')).toHaveLength(
      PARTS / 2,
    );
  });
});
