import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';

/** The context of the law's application. */
export class LawContext {
  @IsOptional() @IsString() @MaxLength(64) readonly tenant?: string;
  @IsOptional() @IsIn(['de', 'en']) readonly locale?: 'de' | 'en';
  @IsOptional() @IsString({ each: true }) readonly flags?: string[];
}
