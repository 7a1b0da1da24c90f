import { Controller, Get } from '@nestjs/common';
import { TagsService } from './tags.service.js';

@Controller('tags')
export class TagsController {
  constructor(private readonly tags: TagsService) {}

  @Get()
  async list(): Promise<{ readonly tags: readonly string[] }> {
    return { tags: await this.tags.list() };
  }
}
