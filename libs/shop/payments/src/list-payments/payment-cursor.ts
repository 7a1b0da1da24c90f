import { IsInt, IsUUID, Max, Min } from 'class-validator';

/** What a cursor of `GET /payments` holds. */
export class PaymentCursor {
  /** When the last payment of the page began, in milliseconds since 1970. */
  @IsInt() @Min(0) @Max(8_640_000_000_000) readonly createdAtMs!: number;
  @IsUUID() readonly orderId!: string;
}
