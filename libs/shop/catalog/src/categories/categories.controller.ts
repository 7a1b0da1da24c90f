import { Idempotent, Public, Roles } from '@fledge/kit';
import { Body, Controller, Get, Post } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiForbiddenResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiTags,
} from '@fledge/kit/openapi';
import { IsString, Length, Matches } from 'class-validator';
import { CategoryTaken, TooManyCategories } from '../../contract/index.js';
import { CATEGORIES_MAX, type Category } from '../domain/product.js';
import { CategoryRepository } from '../storage/category.repository.js';

const CATEGORY_ID = /^[a-z][a-z0-9-]{0,59}$/;

/** A category, in requests and responses. */
export class CategoryResource implements Category {
  @ApiProperty({ example: 'kitchen', pattern: CATEGORY_ID.source })
  @IsString()
  @Matches(CATEGORY_ID, { message: 'id must be 1 to 60 small letters, digits and hyphens, a letter first' })
  readonly id!: string;

  @ApiProperty({ example: 'Kitchen', minLength: 1, maxLength: 100 })
  @IsString()
  @Length(1, 100)
  readonly name!: string;
}

/** All categories. */
export class CategoryList {
  @ApiProperty({ type: [CategoryResource] }) readonly items!: Category[];
}

/** The categories of the shop. */
@ApiTags('catalog')
@Controller('categories')
export class CategoriesController {
  constructor(private readonly categories: CategoryRepository) {}

  @Get()
  @Public()
  @ApiOperation({ summary: `List the categories, ${CATEGORIES_MAX} at most` })
  @ApiOkResponse({ type: CategoryList })
  async list(): Promise<CategoryList> {
    return { items: await this.categories.list() };
  }

  @Post()
  @Roles('staff')
  @Idempotent({ transaction: true })
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Make a category (staff)' })
  @ApiCreatedResponse({ type: CategoryResource })
  @ApiForbiddenResponse({ description: 'Not staff' })
  @ApiConflictResponse({ description: 'catalog.category-taken.v1 or catalog.too-many-categories.v1' })
  async create(@Body() body: CategoryResource): Promise<Category> {
    if ((await this.categories.count()) >= CATEGORIES_MAX)
      throw new TooManyCategories({ categoriesMax: CATEGORIES_MAX });
    if ((await this.categories.add([body])) === 0) throw new CategoryTaken({ categoryId: body.id });
    return body;
  }
}
