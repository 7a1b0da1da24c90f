export { ModuleMessaging, refuseUnstored, type ModuleMessagingOptions } from './module-messaging.js';
export { ForeignEvent, NoOpenTransaction } from './outbox-errors.js';
export { CreateMessaging1700000000000 } from './schema.js';
export { type Sql, sqlOf } from './sql.js';
