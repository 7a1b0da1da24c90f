import { CommandContract, defineContract } from '@fledge/kit/contract';
import { Command } from '@nestjs/cqrs';
import { IsString } from 'class-validator';

@CommandContract('tags.add-tags.v1', { idempotent: true })
export class AddTags extends Command<void> {
  @IsString({ each: true }) readonly names: readonly string[];
  constructor(names: readonly string[]) {
    super();
    this.names = names;
  }
}

export const TagsContract = defineContract({ name: 'tags', commands: [AddTags], routes: ['/api/tags'] });
