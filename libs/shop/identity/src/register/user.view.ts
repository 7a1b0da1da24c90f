import { ApiProperty } from '@fledge/kit/openapi';
import { ROLES, type Role, type User } from '../domain/user.js';

/** A user, as HTTP shows it. */
export class UserView {
  @ApiProperty({ format: 'uuid' }) readonly id: string;
  @ApiProperty({ example: 'ann@shop.test' }) readonly email: string;
  @ApiProperty({ enum: ROLES, isArray: true, example: ['buyer'] }) readonly roles: readonly Role[];
  @ApiProperty() readonly createdAt: Date;

  constructor(user: User) {
    this.id = user.id;
    this.email = user.email;
    this.roles = user.roles;
    this.createdAt = user.createdAt;
  }
}
