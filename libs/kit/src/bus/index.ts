export { attachBuses, bindHandlers, outletsOf, type Outlets } from './attach-buses.js';
export { BoundedModule, boundedModuleSpec, checkedModuleSpec, type BoundedModuleOptions, type BoundedModuleSpec } from './bounded-module.js';
