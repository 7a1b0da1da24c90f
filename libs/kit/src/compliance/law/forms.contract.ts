import { Command, Query } from '@nestjs/cqrs';
import {
  CommandContract,
  enumOf,
  type Fields,
  IsOneOf,
  IsRecordOf,
  nullable,
  oneOf,
  type Page,
  pageOf,
  QueryContract,
  recordOf,
  type VariantOf,
} from '@fledge/kit/contract';
import { Type } from 'class-transformer';
import { Equals, IsDate, IsEnum, IsIn, IsInt, IsOptional, IsString, Length, ValidateNested } from 'class-validator';
import { Part } from './part.js';

export class CardPayment {
  @Equals('card') readonly method = 'card' as const;
  @IsString() @Length(4, 4) readonly last4!: string;
  @IsOptional() @ValidateNested() @Type(() => Part) readonly part?: Part;
  describe(): string {
    return `card ${this.last4}`;
  }
}

export class Transfer {
  @IsIn(['transfer']) readonly method!: 'transfer';
  @IsDate() @Type(() => Date) readonly dueAt!: Date;
}

export const Payment = oneOf('method', { card: CardPayment, transfer: Transfer });
export type Payment = VariantOf<typeof Payment>;

export enum Color {
  Red = 'red',
  Blue = 'blue',
}
export enum Level {
  Low,
  High = 5,
}

/** Each form as a field. */
export class Forms {
  @IsOneOf(Payment) payment!: Payment;
  @IsOneOf(Payment, { each: true }) payments!: Payment[];
  // as class-transformer says it
  @IsOptional()
  @ValidateNested()
  @Type(() => Object, { discriminator: { property: 'method', subTypes: [{ name: 'card', value: CardPayment }] } })
  spare?: CardPayment | null;
  @IsRecordOf(Part) parts!: Record<string, Part>;
  @IsRecordOf(Number) counts!: Record<string, number>;
  @IsRecordOf(String, { each: true }) labels!: Record<string, string>[];
  @IsOptional() @IsRecordOf(Payment) paid?: Record<string, Payment>;
  @IsEnum(Color) color!: Color;
  @IsEnum(Level) level!: Level;
  @IsEnum(Color, { each: true }) colors!: Color[];
  @ValidateNested() @Type(() => pageOf(Part) as never) page!: Page<Part>;
}

@CommandContract('target.echo-forms.v1', { result: Forms })
export class EchoForms extends Command<Forms> {
  @ValidateNested() @Type(() => Forms) forms!: Forms;
  constructor(fields: Fields<EchoForms>) {
    super();
    Object.assign(this, fields);
  }
}

/** Which result a query is to answer: a sound one, or one that its contract does not allow. */
class Asked<T> extends Query<T> {
  @IsIn(['sound', 'wrong']) readonly what: 'sound' | 'wrong';
  constructor(what: 'sound' | 'wrong' = 'sound') {
    super();
    this.what = what;
  }
}

@QueryContract('target.payment.v1', { result: Payment })
export class GivePayment extends Asked<Payment> {}

@QueryContract('target.payments.v1', { result: [Payment] })
export class GivePayments extends Asked<Payment[]> {}

@QueryContract('target.find-payment.v1', { result: nullable(Payment) })
export class FindPayment extends Query<Payment | null> {
  @IsInt() readonly number: number;
  constructor(number: number) {
    super();
    this.number = number;
  }
}

@QueryContract('target.part-record.v1', { result: recordOf(Part) })
export class GivePartRecord extends Asked<Record<string, Part>> {}

@QueryContract('target.payment-record.v1', { result: recordOf(Payment) })
export class GivePaymentRecord extends Asked<Record<string, Payment>> {}

@QueryContract('target.word-record.v1', { result: recordOf(String) })
export class GiveWordRecord extends Asked<Record<string, string>> {}

@QueryContract('target.color.v1', { result: enumOf(Color) })
export class GiveColor extends Asked<Color> {}

@QueryContract('target.levels.v1', { result: [enumOf(Level)] })
export class GiveLevels extends Asked<Level[]> {}

@QueryContract('target.page.v1', { result: pageOf(Part) })
export class GivePage extends Asked<Page<Part>> {}

@QueryContract('target.pages.v1', { result: pageOf(pageOf(Payment)) })
export class GivePages extends Asked<Page<Page<Payment>>> {}

export const FORM_COMMANDS = [EchoForms];
export const FORM_QUERIES = [
  GivePayment,
  GivePayments,
  FindPayment,
  GivePartRecord,
  GivePaymentRecord,
  GiveWordRecord,
  GiveColor,
  GiveLevels,
  GivePage,
  GivePages,
];
