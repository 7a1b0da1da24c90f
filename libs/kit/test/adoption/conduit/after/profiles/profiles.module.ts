import { BoundedModule } from '@fledge/kit';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthModule } from '../auth/auth.module.js';
import { UsersContract } from '../users/contract/index.js';
import { ProfilesContract } from './contract/index.js';
import { CreateProfiles1700000000001 } from './create-profiles.migration.js';
import { Follow } from './follow.entity.js';
import { ProfilesController } from './profiles.controller.js';
import { ProfilesService } from './profiles.service.js';

@BoundedModule({
  contract: ProfilesContract,
  uses: [UsersContract],
  migrations: [CreateProfiles1700000000001],
  imports: [TypeOrmModule.forFeature([Follow]), AuthModule],
  controllers: [ProfilesController],
  providers: [ProfilesService],
})
export class ProfilesModule {}
