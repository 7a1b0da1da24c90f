import { BoundedModule } from '@fledge/kit';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TagsContract } from './contract/index.js';
import { CreateTags1700000000002 } from './create-tags.migration.js';
import { Tag } from './tag.entity.js';
import { TagsController } from './tags.controller.js';
import { TagsService } from './tags.service.js';

@BoundedModule({
  contract: TagsContract,
  migrations: [CreateTags1700000000002],
  imports: [TypeOrmModule.forFeature([Tag])],
  controllers: [TagsController],
  providers: [TagsService],
})
export class TagsModule {}
