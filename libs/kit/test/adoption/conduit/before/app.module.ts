import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ArticlesModule } from './articles/articles.module.js';
import { CreateArticles1700000000003 } from './articles/create-articles.migration.js';
import { CommentsModule } from './comments/comments.module.js';
import { CreateComments1700000000004 } from './comments/create-comments.migration.js';
import { CreateProfiles1700000000001 } from './profiles/create-profiles.migration.js';
import { ProfilesModule } from './profiles/profiles.module.js';
import { CreateTags1700000000002 } from './tags/create-tags.migration.js';
import { TagsModule } from './tags/tags.module.js';
import { CreateUsers1700000000000 } from './users/create-users.migration.js';
import { UsersModule } from './users/users.module.js';

@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      useFactory: () => ({
        type: 'postgres',
        url: process.env.DATABASE_URL,
        autoLoadEntities: true,
        migrationsRun: true,
        migrations: [
          CreateUsers1700000000000,
          CreateProfiles1700000000001,
          CreateTags1700000000002,
          CreateArticles1700000000003,
          CreateComments1700000000004,
        ],
      }),
    }),
    UsersModule,
    ProfilesModule,
    TagsModule,
    ArticlesModule,
    CommentsModule,
  ],
})
export class AppModule {}
