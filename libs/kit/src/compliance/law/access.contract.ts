import { type Fields, QueryContract } from '@fledge/kit/contract';
import { Query } from '@nestjs/cqrs';
import { IsString } from 'class-validator';

/** Returns what the handler saw of the user: the subject. */
@QueryContract('target.for-caller.v1', { result: String, access: { identity: 'optional', callers: ['caller'] } })
export class ForCaller extends Query<string> {}

@QueryContract('target.for-users.v1', { result: String, access: { identity: 'required' } })
export class ForUsers extends Query<string> {}

@QueryContract('target.for-clerks.v1', { result: String, access: { roles: ['clerk', 'head'] } })
export class ForClerks extends Query<string> {}

@QueryContract('target.for-scopes.v1', { result: String, access: { scopes: ['desk:read', 'desk:write'] } })
export class ForScopes extends Query<string> {}

@QueryContract('target.for-owner.v1', { result: String, access: { owner: 'userId' } })
export class ForOwner extends Query<string> {
  @IsString() readonly userId!: string;
  constructor(fields: Fields<ForOwner>) {
    super();
    Object.assign(this, fields);
  }
}

/** How often the others have run. */
@QueryContract('target.runs.v1', { result: Number })
export class CountRuns extends Query<number> {}

export const ACCESS_QUERIES = [ForCaller, ForUsers, ForClerks, ForScopes, ForOwner, CountRuns];
