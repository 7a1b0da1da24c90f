/**
 * What other modules may know of notifications: nothing but its paths. It hears what happens, and tells people.
 * @packageDocumentation
 */
import { defineContract } from '@fledge/kit/contract';

/** Notifications: mail to buyers. */
export const NotificationsContract = defineContract({ name: 'notifications', routes: ['/notifications'] });
