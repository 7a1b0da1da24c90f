import { BoundedModule } from '@fledge/kit';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthModule } from '../auth/auth.module.js';
import { ProfilesContract } from '../profiles/contract/index.js';
import { TagsContract } from '../tags/contract/index.js';
import { UsersContract } from '../users/contract/index.js';
import { Article } from './article.entity.js';
import { ArticlesController } from './articles.controller.js';
import { ArticlesService } from './articles.service.js';
import { ArticlesContract } from './contract/index.js';
import { CreateArticles1700000000003 } from './create-articles.migration.js';
import { Favorite } from './favorite.entity.js';

@BoundedModule({
  contract: ArticlesContract,
  uses: [UsersContract, ProfilesContract, TagsContract],
  migrations: [CreateArticles1700000000003],
  imports: [TypeOrmModule.forFeature([Article, Favorite]), AuthModule],
  controllers: [ArticlesController],
  providers: [ArticlesService],
})
export class ArticlesModule {}
