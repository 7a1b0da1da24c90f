import { BoundedModule } from '@fledge/kit';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthModule } from '../auth/auth.module.js';
import { UsersContract } from './contract/index.js';
import { CreateUsers1700000000000 } from './create-users.migration.js';
import { User } from './user.entity.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';

@BoundedModule({
  contract: UsersContract,
  migrations: [CreateUsers1700000000000],
  imports: [TypeOrmModule.forFeature([User]), AuthModule],
  controllers: [UsersController],
  providers: [UsersService],
})
export class UsersModule {}
