export {
  attachBuses,
  attachCallers,
  bindHandlers,
  guardEventBuses,
  clientsOf,
  type ModuleClients,
} from './attach-buses.js';
export {
  BoundedModule,
  boundedModuleSpec,
  checkedModuleSpec,
  inContainer,
  type BoundedModuleOptions,
  type BoundedModuleSpec,
  type EntityClass,
} from './bounded-module.js';
export { Handles, methodHandlersOf, type HandlerMethod, type HandlesDecorator, type Promised } from './handles.js';
export { NoHandler, NotAMessage, type BusCall } from './errors.js';
export { providerClass, providersOf } from './providers.js';
