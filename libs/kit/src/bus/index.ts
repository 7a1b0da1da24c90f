export { attachBuses, bindHandlers, guardEventBuses, outletsOf, type Outlets } from './attach-buses.js';
export { BoundedModule, boundedModuleSpec, checkedModuleSpec, type BoundedModuleOptions, type BoundedModuleSpec } from './bounded-module.js';
export { NoHandler, NotAMessage, type BusCall } from './errors.js';
