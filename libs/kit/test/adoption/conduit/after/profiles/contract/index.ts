import { defineContract, QueryContract } from '@fledge/kit/contract';
import { Query } from '@nestjs/cqrs';
import { Type } from 'class-transformer';
import { IsBoolean, IsInt, IsOptional, IsString, ValidateNested } from 'class-validator';

export class ProfileView {
  @IsString() username!: string;
  @IsOptional() @IsString() bio!: string | null;
  @IsOptional() @IsString() image!: string | null;
  /** Whether the one who asks follows them. */
  @IsBoolean() following!: boolean;
}

/** Who wrote something. */
export class AuthorView {
  @IsInt() id!: number;
  @ValidateNested() @Type(() => ProfileView) profile!: ProfileView;
}

@QueryContract('profiles.list-authors.v1', { result: [AuthorView] })
export class ListAuthors extends Query<AuthorView[]> {
  @IsInt({ each: true }) readonly ids: readonly number[];
  @IsOptional() @IsInt() readonly viewerId: number | undefined;
  constructor(ids: readonly number[], viewerId?: number) {
    super();
    this.ids = ids;
    this.viewerId = viewerId;
  }
}

/** The ids of those whom a user follows. */
@QueryContract('profiles.list-followed.v1', { result: [Number] })
export class ListFollowed extends Query<number[]> {
  @IsInt() readonly followerId: number;
  constructor(followerId: number) {
    super();
    this.followerId = followerId;
  }
}

export const ProfilesContract = defineContract({
  name: 'profiles',
  queries: [ListAuthors, ListFollowed],
  routes: ['/api/profiles'],
});
