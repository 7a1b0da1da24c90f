import type { PassportRefused } from '../contract/index.js';
import type { CallContext, Identity } from './call-context.js';
import type { CompiledMessage } from './catalogue.js';

/** What a call from another process says about who acts in it, before and after it has been proven. */
export interface ActorClaim {
  /** The calling module. */
  readonly caller: string;
  identity: Identity | undefined;
  /** The user whose request began the work, where no user acts. */
  onBehalfOf: string | undefined;
  /** The signed proof, if one came. */
  readonly passport: string | undefined;
  /** Milliseconds that the call wants; `undefined` for as long as its contract allows. A proof may allow less. */
  leftMs: number | undefined;
  /** The modules through which the work came, if that is proven. */
  chain?: readonly string[];
}

/** A call that leaves the process, as far as its passport depends on it. */
export interface OutgoingCall extends CallContext {
  readonly message: CompiledMessage;
  /** The work that makes the call. */
  readonly parent: CallContext | undefined;
  /** On the clock of `now()`. */
  readonly startedAt: number;
}

/** Signs for who acts in a call that leaves the process. */
export interface PassportIssuer {
  /** The passport of a call in which a user acts, or which acts for one; made once for each work and message. */
  passportOf(call: OutgoingCall): string;
}

/** Verifies who acts in a call from another process. */
export interface PassportVerifier {
  /** Leaves in `claim` only what is proven; returns why the call must be refused, if it must. */
  verify(message: CompiledMessage, claim: ActorClaim): PassportRefused | undefined;
}
