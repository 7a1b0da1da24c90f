import { IsInt, IsUUID, Max, Min } from 'class-validator';

/** What a cursor of `GET /orders` holds. */
export class OrderCursor {
  /** When the last order of the page was placed, in milliseconds since 1970. */
  @IsInt() @Min(0) @Max(8_640_000_000_000) readonly placedAtMs!: number;
  @IsUUID() readonly id!: string;
}
