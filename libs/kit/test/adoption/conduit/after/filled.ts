import { applyDecorators } from '@nestjs/common';
import { IsNotEmpty, IsString } from 'class-validator';

const message = "can't be blank";

/** A text with at least one character. */
export const Filled = (): PropertyDecorator => applyDecorators(IsString({ message }), IsNotEmpty({ message }));
