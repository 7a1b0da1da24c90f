import { ContractError, ErrorContract, type Fields } from '@fledge/kit/contract';
import { IsEmail, MaxLength } from 'class-validator';

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

/** More people log in or register at the same time than passwords can be hashed. */
@ErrorContract('identity.too-many-log-ins.v1', { kind: 'too-many', hint: 'Try again after some seconds.' })
export class TooManyLogIns extends ContractError {
  constructor() {
    super('too many people log in or register at this moment');
  }
}

/** There is no such user: the user of a valid token is gone, or another module asked for one that never existed. */
@ErrorContract('identity.user-not-found.v1', { kind: 'not-found', hint: 'Log in again.' })
export class UserNotFound extends ContractError {
  constructor() {
    super('the user does not exist');
  }
}
