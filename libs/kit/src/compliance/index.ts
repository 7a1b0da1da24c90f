/**
 * The suites that every transport must pass, for your own transports; and both ends of a module, to try a transport
 * without Nest.
 * @packageDocumentation
 */
export {
  CallGuard,
  Catalogue,
  ModuleClient,
  ModuleServer,
  type CallMeter,
  type CallSign,
  type CircuitState,
  type CompiledEvent,
  type FaultLog,
} from '../boundary/index.js';
export { describeTransport } from './describe-transport.js';
