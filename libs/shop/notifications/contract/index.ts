/**
 * What other modules may know of notifications: only its paths. It reacts to events and informs people.
 * @packageDocumentation
 */
import { defineContract } from '@fledge/kit/contract';

/** Notifications: mail to buyers. */
export const NotificationsContract = defineContract({ name: 'notifications', routes: ['/notifications'] });
