import { Command } from '@nestjs/cqrs';
import { CommandContract, defineContract, type Fields } from '@fledge/kit/contract';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsDate,
  IsInt,
  IsString,
  IsUUID,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';

/** A line of the measured command. */
export class BenchLine {
  @IsUUID() readonly productId!: string;
  @IsInt() @Min(1) readonly quantity!: number;
  @IsInt() @Min(0) readonly priceMinor!: number;
}

/** The result of the measured command: five fields. */
export class BenchReceipt {
  @IsUUID() readonly orderId!: string;
  @IsString() readonly status!: string;
  @IsInt() readonly totalMinor!: number;
  @IsString() readonly currency!: string;
  @IsInt() readonly lines!: number;
}

/** The measured command: five fields, with a date and a list of three nested lines. */
@CommandContract('bench.place.v1', { result: BenchReceipt, deadlineMs: 10_000 })
export class Place extends Command<BenchReceipt> {
  @IsUUID() readonly orderId!: string;
  @IsUUID() readonly customerId!: string;
  @IsString() @MaxLength(3) readonly currency!: string;
  @IsDate() @Type(() => Date) readonly at!: Date;
  @ValidateNested({ each: true })
  @Type(() => BenchLine)
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  readonly lines!: BenchLine[];
  constructor(fields: Fields<Place>) {
    super();
    Object.assign(this, fields);
  }
}

/** The contract of the measured module. */
export const BenchContract = defineContract({ name: 'bench', commands: [Place] });

const ID = '6f9619ff-8b86-4d01-b42d-00c04fc964ff';

/** The fields of one measured command, the same for every peer. */
export function placeFields(): Fields<Place> {
  const line = { productId: ID, quantity: 2, priceMinor: 1_250 };
  return {
    orderId: ID,
    customerId: ID,
    currency: 'EUR',
    at: new Date(1_700_000_000_000),
    lines: [line, { ...line }, { ...line }],
  };
}

/** The handler of every peer: does next to nothing, so that the call itself is measured. */
export function receipt(order: Pick<Place, 'orderId' | 'currency' | 'lines'>): BenchReceipt {
  let totalMinor = 0;
  for (const line of order.lines) totalMinor += line.quantity * line.priceMinor;
  return { orderId: order.orderId, status: 'placed', totalMinor, currency: order.currency, lines: order.lines.length };
}
