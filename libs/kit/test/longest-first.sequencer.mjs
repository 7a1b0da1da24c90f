import { relative, sep } from 'node:path';
import Sequencer from '@jest/test-sequencer';

/** The specs that take minutes, the longest first. Begun at the end, one of them would keep a machine waiting alone. */
const LONGEST = [
  'libs/kit/test/messaging/crash.spec.ts',
  'libs/kit/test/messaging/handlers.spec.ts',
  'libs/kit/test/messaging/messaging.spec.ts',
  'libs/kit/test/schematics.spec.ts',
  'apps/cli/test/start.scenario.spec.ts',
];

/** jest's order, but for the specs that take longest. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path, context }) => {
      const place = LONGEST.indexOf(relative(context.config.rootDir, path).split(sep).join('/'));
      return place < 0 ? LONGEST.length : place;
    };
    return super.sort(tests).toSorted((a, b) => rank(a) - rank(b));
  }
}
