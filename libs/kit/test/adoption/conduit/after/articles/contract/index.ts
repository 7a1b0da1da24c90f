import { defineContract, nullable, QueryContract } from '@fledge/kit/contract';
import { Query } from '@nestjs/cqrs';
import { IsInt, IsString } from 'class-validator';

export class ArticleView {
  @IsInt() id!: number;
  @IsString() slug!: string;
}

@QueryContract('articles.find-article.v1', { result: nullable(ArticleView) })
export class FindArticle extends Query<ArticleView | null> {
  @IsString() readonly slug: string;
  constructor(slug: string) {
    super();
    this.slug = slug;
  }
}

export const ArticlesContract = defineContract({ name: 'articles', queries: [FindArticle], routes: ['/api/articles'] });
