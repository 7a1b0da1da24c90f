import { ApiProperty, ApiPropertyOptional } from '@fledge/kit/openapi';
import { IsInt, IsUUID, Max, Min } from 'class-validator';
import { letterOf } from '../send-mails/letter.js';
import { MAIL_KINDS, type MailKind, type MailRow } from '../storage/mail.row.js';

/** What a cursor of `GET /notifications` holds. */
export class NotificationCursor {
  /** When the last notification of the page was created, in milliseconds since 1970. */
  @IsInt() @Min(0) @Max(8_640_000_000_000) readonly createdAtMs!: number;
  @IsUUID() readonly id!: string;
}

/** A mail to a buyer, as HTTP shows it. */
export class NotificationResource {
  @ApiProperty({ format: 'uuid' }) readonly id: string;
  @ApiProperty({ format: 'uuid' }) readonly orderId: string;
  @ApiProperty({ enum: MAIL_KINDS, example: 'confirmed' }) readonly kind: MailKind;
  @ApiProperty({ example: 'Your order is confirmed' }) readonly subject: string;
  @ApiProperty() readonly createdAt: Date;
  @ApiPropertyOptional({ description: 'When it was handed over; none before that' }) readonly sentAt?: Date;

  constructor(mail: MailRow) {
    this.id = mail.id;
    this.orderId = mail.orderId;
    this.kind = mail.kind;
    this.subject = letterOf(mail).subject;
    this.createdAt = mail.createdAt;
    if (mail.sentAt !== null) this.sentAt = mail.sentAt;
  }
}

/** A page of notifications. */
export class NotificationPage {
  @ApiProperty({ type: [NotificationResource] }) readonly items!: NotificationResource[];
  @ApiProperty({ type: String, nullable: true, description: 'Send it as `cursor` for the next page; null on the last' })
  readonly nextCursor!: string | null;
}
