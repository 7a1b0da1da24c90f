import { ContractError, ErrorContract, type Fields } from '@fledge/kit/contract';
import { IsEmail, IsInt, MaxLength } from 'class-validator';

/** The e-mail address already belongs to a user, ignoring case. */
@ErrorContract('identity.email-taken.v1', {
  kind: 'conflict',
  hint: 'Log in with this address, or register another one.',
})
export class EmailTaken extends ContractError {
  @IsEmail() @MaxLength(254) readonly email!: string;
  constructor(fields: Fields<EmailTaken>) {
    super(`a user with the e-mail address ${fields.email} exists already`);
    Object.assign(this, fields);
  }
}

/** No user has this address and password. Deliberately says no more, not even whether the address is known. */
@ErrorContract('identity.wrong-credentials.v1', {
  kind: 'unauthenticated',
  hint: 'Check the address and the password, or register at POST /auth/register.',
})
export class WrongCredentials extends ContractError {
  constructor() {
    super('the e-mail address or the password is wrong');
  }
}

/** One client, or one account, has too many passwords to be checked at the same time. */
@ErrorContract('identity.too-many-log-ins.v1', { kind: 'too-many', hint: 'Try again after `retryAfterSeconds`.' })
export class TooManyLogIns extends ContractError {
  @IsInt() readonly retryAfterSeconds!: number;
  constructor(fields: Fields<TooManyLogIns>) {
    super('too many log-ins or registrations at the same time come from this client, or are for this account');
    Object.assign(this, fields);
  }
}

/** More passwords wait to be hashed than can be in time. Nothing was done. */
@ErrorContract('identity.log-ins-overloaded.v1', { kind: 'unavailable', hint: 'Try again after `retryAfterSeconds`.' })
export class LogInsOverloaded extends ContractError {
  @IsInt() readonly retryAfterSeconds!: number;
  constructor(fields: Fields<LogInsOverloaded>) {
    super('more people log in or register than can be served at this moment');
    Object.assign(this, fields);
  }
}

/**
 * Too many log-ins have failed for this account, or from this client. Deliberately says no more, not even whether the
 * account exists.
 */
@ErrorContract('identity.log-in-blocked.v1', { kind: 'too-many', hint: 'Try again after `retryAfterSeconds`.' })
export class LogInBlocked extends ContractError {
  @IsInt() readonly retryAfterSeconds!: number;
  constructor(fields: Fields<LogInBlocked>) {
    super('too many log-ins have failed');
    Object.assign(this, fields);
  }
}

/**
 * The refresh token belongs to no session: it is unknown, the session has ended or expired, or the token was used
 * before, which ended its session.
 */
@ErrorContract('identity.session-ended.v1', { kind: 'unauthenticated', hint: 'Log in again at POST /auth/login.' })
export class SessionEnded extends ContractError {
  constructor() {
    super('the session has ended');
  }
}

/** There is no such user: the user of a valid token is gone, or another module asked for one that never existed. */
@ErrorContract('identity.user-not-found.v1', { kind: 'not-found', hint: 'Log in again.' })
export class UserNotFound extends ContractError {
  constructor() {
    super('the user does not exist');
  }
}
