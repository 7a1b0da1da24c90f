import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, UseGuards } from '@nestjs/common';
import { AuthGuard, OptionalAuth, Viewer } from '../auth/auth.guard.js';
import { ArticleFilterDto, CreateArticleDto, PageDto, UpdateArticleDto } from './articles.dto.js';
import { type ArticleOfAuthor, type ArticlePage, ArticlesService } from './articles.service.js';

interface ArticleBody {
  readonly article: ArticleOfAuthor;
}

@Controller('articles')
@UseGuards(AuthGuard)
export class ArticlesController {
  constructor(private readonly articles: ArticlesService) {}

  @Get()
  @OptionalAuth()
  list(@Query() filter: ArticleFilterDto, @Viewer() viewerId?: number): Promise<ArticlePage> {
    return this.articles.list(filter, viewerId);
  }

  @Get('feed')
  feed(@Query() page: PageDto, @Viewer() viewerId: number): Promise<ArticlePage> {
    return this.articles.feed(page, viewerId);
  }

  @Post()
  async create(@Body('article') article: CreateArticleDto, @Viewer() viewerId: number): Promise<ArticleBody> {
    return { article: await this.articles.create(article, viewerId) };
  }

  @Get(':slug')
  @OptionalAuth()
  async get(@Param('slug') slug: string, @Viewer() viewerId?: number): Promise<ArticleBody> {
    return { article: await this.articles.get(slug, viewerId) };
  }

  @Put(':slug')
  async update(
    @Param('slug') slug: string,
    @Body('article') changes: UpdateArticleDto,
    @Viewer() viewerId: number,
  ): Promise<ArticleBody> {
    return { article: await this.articles.update(slug, changes, viewerId) };
  }

  @Delete(':slug')
  @HttpCode(204)
  remove(@Param('slug') slug: string, @Viewer() viewerId: number): Promise<void> {
    return this.articles.remove(slug, viewerId);
  }

  @Post(':slug/favorite')
  @HttpCode(200)
  async favorite(@Param('slug') slug: string, @Viewer() viewerId: number): Promise<ArticleBody> {
    return { article: await this.articles.favorite(slug, viewerId) };
  }

  @Delete(':slug/favorite')
  async unfavorite(@Param('slug') slug: string, @Viewer() viewerId: number): Promise<ArticleBody> {
    return { article: await this.articles.unfavorite(slug, viewerId) };
  }
}
