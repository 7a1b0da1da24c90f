import { type Fields, QueryContract } from '@fledge/kit/contract';
import { Query } from '@nestjs/cqrs';
import { ArrayMaxSize, ArrayMinSize, IsUUID } from 'class-validator';
import { Availability } from './availability.view.js';

/**
 * Returns how many of each product could be reserved now, one entry per id; 0 for a product without stock. 1 to 100
 * ids.
 */
@QueryContract('inventory.get-availability.v1', { result: [Availability], deadlineMs: 2_000 })
export class GetAvailability extends Query<Availability[]> {
  @IsUUID('all', { each: true }) @ArrayMinSize(1) @ArrayMaxSize(100) readonly productIds!: string[];
  constructor(fields: Fields<GetAvailability>) {
    super();
    Object.assign(this, fields);
  }
}
