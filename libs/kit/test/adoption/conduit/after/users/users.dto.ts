import { IsEmail, IsOptional, IsString, MinLength } from 'class-validator';
import { Filled } from '../filled.js';

export class LogInDto {
  @Filled() email!: string;
  @Filled() password!: string;
}

export class RegisterDto {
  @Filled() username!: string;
  @IsEmail({}, { message: 'is invalid' }) @Filled() email!: string;
  @MinLength(8, { message: 'is too short (minimum is 8 characters)' }) @Filled() password!: string;
}

export class UpdateUserDto {
  @IsOptional() @Filled() username?: string;
  @IsOptional() @IsEmail({}, { message: 'is invalid' }) email?: string;
  @IsOptional() @MinLength(8, { message: 'is too short (minimum is 8 characters)' }) password?: string;
  @IsOptional() @IsString() bio?: string | null;
  @IsOptional() @IsString() image?: string | null;
}
