export {
  Continues,
  OnTimer,
  Process,
  Starts,
  type MethodOf,
  type ProcessOptions,
  type StateClass,
} from './decorators.js';
export type { Run } from './run.js';
