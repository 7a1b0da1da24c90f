import { ConflictException, ForbiddenException, Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository, type SelectQueryBuilder } from 'typeorm';
import { type Profile, ProfilesService } from '../profiles/profiles.service.js';
import { TagsService } from '../tags/tags.service.js';
import { UsersService } from '../users/users.service.js';
import { Article } from './article.entity.js';
import type { ArticleFilterDto, CreateArticleDto, PageDto, UpdateArticleDto } from './articles.dto.js';
import { Favorite } from './favorite.entity.js';

/** An article as a reader sees it. */
export interface ArticleOfAuthor extends Omit<Article, 'id' | 'authorId'> {
  readonly favorited: boolean;
  readonly favoritesCount: number;
  readonly author: Profile | undefined;
}

export interface ArticlePage {
  readonly articles: readonly Omit<ArticleOfAuthor, 'body'>[];
  readonly articlesCount: number;
}

@Injectable()
export class ArticlesService {
  constructor(
    @InjectRepository(Article) private readonly articles: Repository<Article>,
    @InjectRepository(Favorite) private readonly favorites: Repository<Favorite>,
    private readonly users: UsersService,
    private readonly profiles: ProfilesService,
    private readonly tags: TagsService,
  ) {}

  async list({ tag, author, favorited, ...page }: ArticleFilterDto, viewerId?: number): Promise<ArticlePage> {
    const query = this.articles.createQueryBuilder('article');
    if (tag !== undefined) query.andWhere(':tag = any(article.tagList)', { tag });
    if (author !== undefined) query.andWhere({ authorId: await this.userIdOf(author) });
    if (favorited !== undefined)
      query.innerJoin(Favorite, 'favorite', 'favorite.articleId = article.id and favorite.userId = :userId', {
        userId: await this.userIdOf(favorited),
      });
    return this.pageOf(query, page, viewerId);
  }

  async feed(page: PageDto, viewerId: number): Promise<ArticlePage> {
    const authorIds = await this.profiles.followedBy(viewerId);
    return this.pageOf(this.articles.createQueryBuilder('article').where({ authorId: In(authorIds) }), page, viewerId);
  }

  async get(slug: string, viewerId?: number): Promise<ArticleOfAuthor> {
    return this.shown(await this.existing(slug), viewerId);
  }

  async create({ tagList = [], ...texts }: CreateArticleDto, authorId: number): Promise<ArticleOfAuthor> {
    const slug = await this.freeSlug(texts.title);
    await this.tags.add(tagList);
    return this.shown(await this.articles.save(this.articles.create({ ...texts, slug, tagList, authorId })), authorId);
  }

  async update(slug: string, changes: UpdateArticleDto, viewerId: number): Promise<ArticleOfAuthor> {
    const article = await this.own(slug, viewerId);
    if (changes.title !== undefined) article.slug = await this.freeSlug(changes.title, article.id);
    return this.shown(await this.articles.save(this.articles.merge(article, changes)), viewerId);
  }

  async remove(slug: string, viewerId: number): Promise<void> {
    await this.articles.remove(await this.own(slug, viewerId));
  }

  async favorite(slug: string, viewerId: number): Promise<ArticleOfAuthor> {
    const article = await this.existing(slug);
    await this.favorites.save({ articleId: article.id, userId: viewerId });
    return this.shown(article, viewerId);
  }

  async unfavorite(slug: string, viewerId: number): Promise<ArticleOfAuthor> {
    const article = await this.existing(slug);
    await this.favorites.delete({ articleId: article.id, userId: viewerId });
    return this.shown(article, viewerId);
  }

  findBySlug(slug: string): Promise<Article | null> {
    return this.articles.findOneBy({ slug });
  }

  private async existing(slug: string): Promise<Article> {
    const article = await this.findBySlug(slug);
    if (!article) throw new NotFoundException({ errors: { article: ['not found'] } });
    return article;
  }

  private async own(slug: string, viewerId: number): Promise<Article> {
    const article = await this.existing(slug);
    if (article.authorId !== viewerId) throw new ForbiddenException({ errors: { article: ['forbidden'] } });
    return article;
  }

  private async freeSlug(title: string, id?: number): Promise<string> {
    const slug = title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '');
    const other = await this.findBySlug(slug);
    if (other && other.id !== id) throw new ConflictException({ errors: { title: ['has already been taken'] } });
    return slug;
  }

  /** No user has the id 0. */
  private async userIdOf(username: string): Promise<number> {
    return (await this.users.findByUsername(username))?.id ?? 0;
  }

  private async pageOf(
    query: SelectQueryBuilder<Article>,
    { limit, offset }: PageDto,
    viewerId?: number,
  ): Promise<ArticlePage> {
    const newest = query.orderBy('article.id', 'DESC').limit(limit).offset(offset);
    const [found, articlesCount] = await newest.getManyAndCount();
    const articles = (await this.allShown(found, viewerId)).map(({ body, ...article }) => article);
    return { articles, articlesCount };
  }

  private async shown(article: Article, viewerId?: number): Promise<ArticleOfAuthor> {
    const [shown] = await this.allShown([article], viewerId);
    return shown as ArticleOfAuthor;
  }

  private async allShown(articles: readonly Article[], viewerId?: number): Promise<ArticleOfAuthor[]> {
    const favorites = await this.favorites.findBy({ articleId: In(articles.map(({ id }) => id)) });
    const ids = articles.map(({ authorId }) => authorId);
    const authors = await this.profiles.authors(ids, viewerId);
    return articles.map(({ id, authorId, ...article }) => {
      const ofArticle = favorites.filter(({ articleId }) => articleId === id);
      return {
        ...article,
        favorited: ofArticle.some(({ userId }) => userId === viewerId),
        favoritesCount: ofArticle.length,
        author: authors.find((author) => author.id === authorId)?.profile,
      };
    });
  }
}
