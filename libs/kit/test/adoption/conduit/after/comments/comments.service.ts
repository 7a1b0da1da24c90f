import { ForbiddenException, Injectable, NotFoundException } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { FindArticle } from '../articles/contract/index.js';
import { ListAuthors, type ProfileView } from '../profiles/contract/index.js';
import { Comment } from './comment.entity.js';
import type { CreateCommentDto } from './create-comment.dto.js';

/** A comment as a reader sees it. */
export interface CommentOfAuthor extends Omit<Comment, 'articleId' | 'authorId'> {
  readonly author: ProfileView | undefined;
}

@Injectable()
export class CommentsService {
  constructor(
    @InjectRepository(Comment) private readonly comments: Repository<Comment>,
    private readonly queries: QueryBus,
  ) {}

  async list(slug: string, viewerId?: number): Promise<CommentOfAuthor[]> {
    const articleId = await this.articleIdOf(slug);
    return this.shown(await this.comments.find({ where: { articleId }, order: { id: 'asc' } }), viewerId);
  }

  async add(slug: string, { body }: CreateCommentDto, authorId: number): Promise<CommentOfAuthor | undefined> {
    const articleId = await this.articleIdOf(slug);
    const [comment] = await this.shown([await this.comments.save({ articleId, authorId, body })], authorId);
    return comment;
  }

  async remove(slug: string, id: number, viewerId: number): Promise<void> {
    const comment = await this.comments.findOneBy({ id, articleId: await this.articleIdOf(slug) });
    if (!comment) throw new NotFoundException({ errors: { comment: ['not found'] } });
    if (comment.authorId !== viewerId) throw new ForbiddenException({ errors: { comment: ['forbidden'] } });
    await this.comments.remove(comment);
  }

  private async articleIdOf(slug: string): Promise<number> {
    const article = await this.queries.execute(new FindArticle(slug));
    if (!article) throw new NotFoundException({ errors: { article: ['not found'] } });
    return article.id;
  }

  private async shown(comments: readonly Comment[], viewerId?: number): Promise<CommentOfAuthor[]> {
    const ids = comments.map(({ authorId }) => authorId);
    const authors = await this.queries.execute(new ListAuthors(ids, viewerId));
    return comments.map(({ id, createdAt, updatedAt, body, authorId }) => ({
      id,
      createdAt,
      updatedAt,
      body,
      author: authors.find((author) => author.id === authorId)?.profile,
    }));
  }
}
