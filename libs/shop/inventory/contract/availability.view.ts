import type { Fields } from '@fledge/kit/contract';
import { IsInt, IsUUID, Min } from 'class-validator';

/** How many of a product could be reserved at the moment of the answer. */
export class Availability {
  @IsUUID() readonly productId!: string;
  @IsInt() @Min(0) readonly available!: number;
  constructor(fields: Fields<Availability>) {
    Object.assign(this, fields);
  }
}
