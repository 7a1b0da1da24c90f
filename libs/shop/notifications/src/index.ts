/** For the host alone: other modules import `@shop/notifications/contract`. */
export { NotificationsModule } from './notifications.module.js';
