import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Failed log-ins of one kind: see `FailureKind`. */
@Entity('log_in_failures')
export class LogInFailureRow {
  /** A hash: see `failureKeys`. */
  @PrimaryColumn('text') key!: string;
  @Column('integer') count!: number;
  /** When the last one failed. */
  @Column('timestamptz', { name: 'failed_at' }) failedAt!: Date;
}
