import { defineContract, nullable, QueryContract } from '@fledge/kit/contract';
import { Query } from '@nestjs/cqrs';
import { IsInt, IsOptional, IsString } from 'class-validator';

export class UserView {
  @IsInt() id!: number;
  @IsString() username!: string;
  @IsOptional() @IsString() bio!: string | null;
  @IsOptional() @IsString() image!: string | null;
}

@QueryContract('users.find-user.v1', { result: nullable(UserView) })
export class FindUser extends Query<UserView | null> {
  @IsString() readonly username: string;
  constructor(username: string) {
    super();
    this.username = username;
  }
}

@QueryContract('users.list-users.v1', { result: [UserView] })
export class ListUsers extends Query<UserView[]> {
  @IsInt({ each: true }) readonly ids: readonly number[];
  constructor(ids: readonly number[]) {
    super();
    this.ids = ids;
  }
}

export const UsersContract = defineContract({
  name: 'users',
  queries: [FindUser, ListUsers],
  routes: ['/api/users', '/api/user'],
});
