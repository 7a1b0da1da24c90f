/**
 * The kit's ESLint plugin. `module-boundaries` is for any workspace of modules; the other rules keep the kit itself in
 * order.
 */
import { kitRooms } from './kit-rooms.js';
import { moduleBoundaries } from './module-boundaries.js';
import { noImportCycles } from './no-import-cycles.js';

export const fledge = {
  meta: { name: '@fledge/kit/lint' },
  rules: { 'kit-rooms': kitRooms, 'module-boundaries': moduleBoundaries, 'no-import-cycles': noImportCycles },
};
