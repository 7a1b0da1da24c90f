import type { Identity } from '@fledge/kit';

/** Whether a user may see and cancel an order: the buyer and staff; work without a user is the shop's own. */
export function mayAccess({ userId }: { readonly userId: string }, user: Identity | undefined): boolean {
  return user === undefined || user.subject === userId || user.roles.includes('staff');
}
