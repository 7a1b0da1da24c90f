import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { GetUser, UserContact, UserNotFound } from '../../contract/index.js';
import { UserRepository } from '../storage/user.repository.js';

/** Returns how to reach a user. */
@QueryHandler(GetUser)
export class GetUserHandler implements IQueryHandler<GetUser> {
  constructor(private readonly users: UserRepository) {}

  async execute({ userId }: GetUser): Promise<UserContact> {
    const user = await this.users.find(userId);
    if (!user) throw new UserNotFound();
    return new UserContact({ userId: user.id, email: user.email });
  }
}
