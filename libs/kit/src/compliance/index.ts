/**
 * The suites that every transport passes, for one of your own; and a module's two ends, to try a transport without
 * Nest.
 * @packageDocumentation
 */
export {
  Catalogue,
  ModuleClient,
  ModuleServer,
  type CallMeter,
  type CompiledEvent,
  type FaultLog,
} from '../boundary/index.js';
export { describeTransport } from './describe-transport.js';
