import { Filled } from '../filled.js';

export class CreateCommentDto {
  @Filled() body!: string;
}
