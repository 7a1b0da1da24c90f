import { IsInt, IsString, MinLength } from 'class-validator';

export class CreateLoanDto {
  @IsInt() bookId!: number;
  @IsString() @MinLength(1) reader!: string;
}
