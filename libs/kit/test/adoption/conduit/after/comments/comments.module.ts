import { BoundedModule } from '@fledge/kit';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ArticlesContract } from '../articles/contract/index.js';
import { AuthModule } from '../auth/auth.module.js';
import { ProfilesContract } from '../profiles/contract/index.js';
import { Comment } from './comment.entity.js';
import { CommentsController } from './comments.controller.js';
import { CommentsService } from './comments.service.js';
import { CommentsContract } from './contract/index.js';
import { CreateComments1700000000004 } from './create-comments.migration.js';

@BoundedModule({
  contract: CommentsContract,
  uses: [ArticlesContract, ProfilesContract],
  migrations: [CreateComments1700000000004],
  imports: [TypeOrmModule.forFeature([Comment]), AuthModule],
  controllers: [CommentsController],
  providers: [CommentsService],
})
export class CommentsModule {}
