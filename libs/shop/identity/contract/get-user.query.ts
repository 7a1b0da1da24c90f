import { type Fields, QueryContract } from '@fledge/kit/contract';
import { Query } from '@nestjs/cqrs';
import { IsEmail, IsUUID, MaxLength } from 'class-validator';
import { UserNotFound } from './errors.js';

/** How to reach a user. */
export class UserContact {
  @IsUUID() readonly userId!: string;
  @IsEmail() @MaxLength(254) readonly email!: string;
  constructor(fields: Fields<UserContact>) {
    Object.assign(this, fields);
  }
}

/** Returns how to reach a user. Fails with `UserNotFound`. */
@QueryContract('identity.get-user.v1', {
  result: UserContact,
  errors: [UserNotFound],
  deadlineMs: 2_000,
  access: { identity: 'optional', callers: ['notifications'] },
})
export class GetUser extends Query<UserContact> {
  @IsUUID() readonly userId!: string;
  constructor(fields: Fields<GetUser>) {
    super();
    Object.assign(this, fields);
  }
}
