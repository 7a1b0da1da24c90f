import { currentContext, type Identity, RequestContext } from '../boundary/index.js';
import { FledgeError } from '../contract/index.js';

/** Characters of a subject, a role or a scope. */
const CHARS_MAX = 256;
/** Roles, and scopes, of one user. */
const NAMES_MAX = 64;
/** Half of a surrogate pair has no place in a header, and a control character none in a log. */
const UNFIT = /[\p{Cc}\p{Surrogate}]/u;

/** An identity was set where there is none to set, or one that cannot cross a boundary. */
export class IdentityRefused extends FledgeError {
  readonly code = 'fledge.identity-refused';
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  readonly hint =
    'Call identify() in a guard of an HTTP route, a resolver or a gateway, not in a transaction or withCallOptions, with a subject of 1 to 256 characters and at most 64 such roles and scopes.';
  readonly data = {};
}

/**
 * Says who acts in the HTTP request, or in the message of a WebSocket, that is worked on: for a guard that knows users
 * by other means than the kit's tokens, such as sessions, API keys or tokens of another scheme. `CurrentUser` and
 * `@Roles` see it, and it crosses each boundary with the calls of the request. In `handleConnection` of a gateway it says who acts in all messages of
 * that connection.
 * @throws IdentityRefused outside of a request, in a handler of a message, whose caller has said who acts, inside a
 * transaction or `withCallOptions`, which would forget it at their end, and for an identity that not every transport can
 * carry.
 */
export function identify(identity: Identity): void {
  const context = currentContext();
  if (!(context instanceof RequestContext))
    throw new IdentityRefused('identify() was called outside of a request, or inside a transaction of it');
  const { subject, roles, scopes } = identity;
  const isFit = (text: unknown): boolean =>
    typeof text === 'string' && text.length > 0 && text.length <= CHARS_MAX && !UNFIT.test(text);
  if (!isFit(subject)) throw new IdentityRefused('identify() was given a subject that cannot cross a boundary');
  const copied = (names: unknown, what: string): readonly string[] => {
    // a copy has no holes
    const all: readonly unknown[] = Array.isArray(names) ? [...(names as readonly unknown[])] : [undefined];
    if (all.length <= NAMES_MAX && all.every(isFit)) return all as readonly string[];
    throw new IdentityRefused(`identify() was given ${what} that cannot cross a boundary`);
  };
  context.identity = {
    subject,
    roles: copied(roles, 'roles'),
    ...(scopes !== undefined && { scopes: copied(scopes, 'scopes') }),
  };
}
