import { Body, Controller, Delete, Get, HttpCode, Param, ParseIntPipe, Post, UseGuards } from '@nestjs/common';
import { AuthGuard, OptionalAuth, Viewer } from '../auth/auth.guard.js';
import { type CommentOfAuthor, CommentsService } from './comments.service.js';
import { CreateCommentDto } from './create-comment.dto.js';

@Controller('articles/:slug/comments')
@UseGuards(AuthGuard)
export class CommentsController {
  constructor(private readonly comments: CommentsService) {}

  @Get()
  @OptionalAuth()
  async list(
    @Param('slug') slug: string,
    @Viewer() viewerId?: number,
  ): Promise<{ readonly comments: readonly CommentOfAuthor[] }> {
    return { comments: await this.comments.list(slug, viewerId) };
  }

  @Post()
  async add(
    @Param('slug') slug: string,
    @Body('comment') comment: CreateCommentDto,
    @Viewer() viewerId: number,
  ): Promise<{ readonly comment: CommentOfAuthor | undefined }> {
    return { comment: await this.comments.add(slug, comment, viewerId) };
  }

  @Delete(':id')
  @HttpCode(204)
  remove(
    @Param('slug') slug: string,
    @Param('id', ParseIntPipe) id: number,
    @Viewer() viewerId: number,
  ): Promise<void> {
    return this.comments.remove(slug, id, viewerId);
  }
}
