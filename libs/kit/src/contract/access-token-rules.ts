/**
 * What the access tokens of an issuer must say to be accepted (RFC 9068), besides a valid signature, `kid`, `sub` and
 * `exp`. An issuer's module exports it with its contract, for the modules that verify its tokens.
 */
export interface AccessTokenRules {
  /** The claim `iss`. */
  readonly issuer: string;
  /** The claim `aud`, or a member of it if that is a list. */
  readonly audience: string;
  /** The longest time between `iat` and `exp`, both required, in seconds. */
  readonly lifetimeMaxSeconds: number;
  /** The header's `typ`, so that no other token of the issuer serves as an access token. Default `at+jwt`. */
  readonly type?: string;
  /** What `sub` must match as a whole, such as the form of the ids in a table of users. Default: any text. */
  readonly subject?: RegExp;
}

/** The `typ` of access tokens (RFC 9068, 2.1). */
export const ACCESS_TOKEN_TYPE = 'at+jwt';
