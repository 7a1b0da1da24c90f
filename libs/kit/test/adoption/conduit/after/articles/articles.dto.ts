import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, Min } from 'class-validator';
import { Filled } from '../filled.js';

export class CreateArticleDto {
  @Filled() title!: string;
  @Filled() description!: string;
  @Filled() body!: string;
  @IsOptional() @IsString({ each: true }) tagList?: string[];
}

export class UpdateArticleDto {
  @IsOptional() @Filled() title?: string;
  @IsOptional() @Filled() description?: string;
  @IsOptional() @Filled() body?: string;
}

export class PageDto {
  @Type(() => Number) @IsInt() @Min(1) @Max(100) limit = 20;
  @Type(() => Number) @IsInt() @Min(0) offset = 0;
}

export class ArticleFilterDto extends PageDto {
  @IsOptional() @IsString() tag?: string;
  @IsOptional() @IsString() author?: string;
  @IsOptional() @IsString() favorited?: string;
}
