import type { ActorClaim, CompiledMessage, Identity, PassportVerifier } from '../../boundary/index.js';
import { type PassportFlaw, PassportRefused } from '../../contract/index.js';
import {
  audienceOf,
  CLOCKS_DIFFER_MAX_MS,
  PASSPORT,
  PASSPORT_CHARS_MAX,
  PASSPORT_LIFE_MAX_MS,
  type PassportClaims,
  passportClaims,
} from './passport.js';
import type { PinnedKeys } from './pinned-keys.js';
import { readSignedText } from './signed-text.js';

/** How many passports are remembered as verified: those of the work that runs. */
const KNOWN_MAX = 2_048;

/** A passport whose signature is right. */
interface Verified extends PassportClaims {
  readonly identity: Identity | undefined;
}

/** What is told of a call that did not prove who acts. */
export interface Unproven {
  readonly message: string;
  readonly module: string;
  /** As the call says. */
  readonly caller: string;
  readonly flaw: PassportFlaw;
  /** Whether the call was refused; else it was believed, as `passports: offered` says. */
  readonly isRefused: boolean;
}

/** Verifies passports; their signatures once, everything else for each call. */
export class PassportControl implements PassportVerifier {
  private readonly known = new Map<string, Verified>();

  /**
   * @param isRequired whether a user without a passport is refused; else such a call is believed, and told.
   * @param tell is called for each call that is not proven.
   */
  constructor(
    private readonly deployment: string,
    private readonly pinned: PinnedKeys,
    private readonly isRequired: boolean,
    private readonly tell: (unproven: Unproven) => void,
  ) {}

  verify(message: CompiledMessage, claim: ActorClaim): PassportRefused | undefined {
    const { passport, identity, onBehalfOf } = claim;
    if (passport === undefined) {
      if (identity === undefined && onBehalfOf === undefined) return undefined;
      return this.refused(message, claim, 'missing', this.isRequired);
    }
    const verified = this.known.get(passport) ?? this.read(passport);
    if (typeof verified === 'string') return this.refused(message, claim, verified);
    const flaw = this.flawOf(message, claim, verified);
    if (flaw !== undefined) return this.refused(message, claim, flaw);
    claim.identity = verified.identity;
    claim.onBehalfOf = verified.obo;
    claim.chain = verified.chain;
    const left = verified.exp * 1_000 + CLOCKS_DIFFER_MAX_MS - Date.now();
    if ((claim.leftMs ?? message.deadlineMs) > left) claim.leftMs = left;
    return undefined;
  }

  private read(passport: string): Verified | PassportFlaw {
    const signed = passport.length > PASSPORT_CHARS_MAX ? undefined : readSignedText(passport);
    if (signed === undefined) return 'malformed';
    // before its key is looked up: a token of another kind is refused as such, whoever has signed it
    if (signed.typ !== PASSPORT) return 'kind';
    const key = this.pinned.find(signed.kid);
    if (key === undefined) return 'unknown-key';
    if (!signed.isSignedBy(key)) return 'signature';
    const claims = passportClaims(signed.claims);
    if (claims === undefined) return 'malformed';
    if (!this.pinned.speaksFor(signed.kid, claims.iss)) return 'issuer';
    const { sub, roles = [], scopes } = claims;
    const identity = sub === undefined ? undefined : { subject: sub, roles, ...(scopes && { scopes }) };
    const verified = { ...claims, identity };
    if (this.known.size >= KNOWN_MAX) this.known.clear();
    this.known.set(passport, verified);
    return verified;
  }

  /** What does not fit this call. */
  private flawOf(
    { module, name }: CompiledMessage,
    { caller, identity, leftMs = 0 }: ActorClaim,
    { iss, aud, msg, sub, iat, exp }: Verified,
  ): PassportFlaw | undefined {
    if (iss !== caller) return 'issuer';
    if (aud !== audienceOf(this.deployment, module)) return 'audience';
    if (msg !== name) return 'message';
    if (identity !== undefined && identity.subject !== sub) return 'identity';
    const at = Date.now();
    const lifeMs = (exp - iat) * 1_000;
    if (
      at > exp * 1_000 + CLOCKS_DIFFER_MAX_MS ||
      at < iat * 1_000 - CLOCKS_DIFFER_MAX_MS ||
      lifeMs > PASSPORT_LIFE_MAX_MS + 1_000
    )
      return 'expired';
    // both are times that one clock has measured; what is left is rounded
    return leftMs > lifeMs + 1 ? 'deadline' : undefined;
  }

  private refused(
    { module, name }: CompiledMessage,
    { caller }: ActorClaim,
    flaw: PassportFlaw,
    isRefused = true,
  ): PassportRefused | undefined {
    this.tell({ module, message: name, caller, flaw, isRefused });
    return isRefused ? new PassportRefused(module, name, flaw) : undefined;
  }
}
