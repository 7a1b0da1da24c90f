import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { Tag } from './tag.entity.js';

@Injectable()
export class TagsService {
  constructor(@InjectRepository(Tag) private readonly tags: Repository<Tag>) {}

  async list(): Promise<string[]> {
    return (await this.tags.find({ order: { name: 'asc' } })).map(({ name }) => name);
  }

  async add(names: readonly string[]): Promise<void> {
    if (names.length > 0)
      await this.tags.upsert(
        names.map((name) => ({ name })),
        ['name'],
      );
  }
}
