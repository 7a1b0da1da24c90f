import { type Application, modulesOf } from '@fledge/kit';
import { ArticlesModule } from './articles/articles.module.js';
import { CommentsModule } from './comments/comments.module.js';
import { ProfilesModule } from './profiles/profiles.module.js';
import { TagsModule } from './tags/tags.module.js';
import { UsersModule } from './users/users.module.js';

export const conduit: Application = {
  name: 'conduit',
  modules: modulesOf(UsersModule, ProfilesModule, TagsModule, ArticlesModule, CommentsModule),
  problems: 'own',
  access: 'open',
};
