/**
 * The kit's ESLint plugin. `module-boundaries` is of use in any workspace of modules, the others keep the kit itself in
 * order.
 */
import { kitRooms } from './kit-rooms.js';
import { moduleBoundaries } from './module-boundaries.js';
import { noImportCycles } from './no-import-cycles.js';

export const fledge = {
  meta: { name: '@fledge/kit/lint' },
  rules: { 'kit-rooms': kitRooms, 'module-boundaries': moduleBoundaries, 'no-import-cycles': noImportCycles },
};
