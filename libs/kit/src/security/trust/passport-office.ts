import { type CallContext, now, type OutgoingCall, type PassportIssuer } from '../../boundary/index.js';
import { audienceOf, CHAIN_MAX, PASSPORT, PASSPORT_LIFE_MAX_MS, type PassportClaims } from './passport.js';
import type { OwnKey } from './pinned-keys.js';
import { signText } from './signed-text.js';

/** How long a passport is made for where the work has no deadline, in milliseconds beyond that of its first call. */
const SPARE_MS = 30_000;

/** A passport, and what it was made for. */
interface Made {
  readonly text: string;
  readonly identity: CallContext['identity'];
  readonly onBehalfOf: string | undefined;
  readonly caller: string;
  /** On the clock of `now()`. */
  readonly until: number;
}

/** Makes passports: one for each piece of work and message that it sends. */
export class PassportOffice implements PassportIssuer {
  private readonly made = new WeakMap<CallContext, Map<string, Made>>();

  constructor(
    private readonly deployment: string,
    private readonly ownKey: OwnKey,
  ) {}

  passportOf(call: OutgoingCall): string {
    const work = call.parent?.outermost ?? call;
    let ofWork = this.made.get(work);
    if (ofWork === undefined) this.made.set(work, (ofWork = new Map<string, Made>()));
    const { identity, onBehalfOf, caller } = call;
    const made = ofWork.get(call.message.name);
    if (
      made !== undefined &&
      made.until >= call.deadlineAt &&
      made.identity === identity &&
      made.onBehalfOf === onBehalfOf &&
      made.caller === caller
    )
      return made.text;
    const until = Math.max(
      call.deadlineAt,
      Math.min(work.deadlineAt, call.deadlineAt + SPARE_MS, call.startedAt + PASSPORT_LIFE_MAX_MS),
    );
    const text = this.sign(call, until);
    ofWork.set(call.message.name, { text, identity, onBehalfOf, caller, until });
    return text;
  }

  private sign(call: OutgoingCall, until: number): string {
    const { message, caller, identity, onBehalfOf } = call;
    const at = Date.now() - (now() - call.startedAt);
    const claims: PassportClaims = {
      iss: caller,
      aud: audienceOf(this.deployment, message.module),
      msg: message.name,
      ...(identity && { sub: identity.subject, roles: identity.roles, scopes: identity.scopes }),
      ...(onBehalfOf !== undefined && { obo: onBehalfOf }),
      chain: call.chain.slice(-CHAIN_MAX),
      iat: seconds(Math.floor(at)),
      exp: seconds(Math.ceil(at + (until - call.startedAt))),
    };
    return signText(PASSPORT, this.ownKey.kid, this.ownKey.key, claims);
  }
}

function seconds(ms: number): number {
  return ms / 1_000;
}
