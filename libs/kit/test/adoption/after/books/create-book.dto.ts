import { IsInt, IsString, Min, MinLength } from 'class-validator';

export class CreateBookDto {
  @IsString() @MinLength(1) title!: string;
  @IsInt() @Min(1) copies!: number;
}
