import { ApiProperty, ApiPropertyOptional } from '@fledge/kit/openapi';
import { IsIn, IsOptional, IsString, IsUUID, Length, MaxLength } from 'class-validator';
import { REASON_MAX } from '../../contract/index.js';
import { type Answer, type Step, STEPS } from '../domain/payment.js';

/** A report of the provider: how a requested step ended. */
export class WebhookBody {
  @ApiProperty({ example: 'evt_2f1c', description: "The provider's id of the event: sent twice, it counts once" })
  @IsString()
  @Length(1, 100)
  readonly id!: string;

  @ApiProperty({ enum: ['operation.settled'] })
  @IsIn(['operation.settled'])
  readonly type!: 'operation.settled';

  @ApiProperty({ description: 'The idempotency key of the step' })
  @IsString()
  @Length(1, 200)
  readonly key!: string;

  @ApiProperty({ enum: STEPS })
  @IsIn(STEPS)
  readonly operation!: Step;

  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  readonly orderId!: string;

  @ApiProperty({ description: "The provider's name for what was set aside" })
  @IsString()
  @Length(1, 200)
  readonly reference!: string;

  @ApiProperty({ enum: ['approved', 'declined', 'pending'] })
  @IsIn(['approved', 'declined', 'pending'])
  readonly status!: Answer['status'];

  @ApiPropertyOptional({ description: 'Why it was declined' })
  @IsOptional()
  @IsString()
  @MaxLength(REASON_MAX)
  readonly reason?: string;
}
