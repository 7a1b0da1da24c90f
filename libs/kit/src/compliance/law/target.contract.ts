import { Command, Query } from '@nestjs/cqrs';
import {
  CommandContract,
  ContractError,
  defineContract,
  ErrorContract,
  type Fields,
  IsJsonValue,
  type JsonValue,
  nullable,
  QueryContract,
} from '@fledge/kit/contract';
import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsDate,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { ACCESS_QUERIES } from './access.contract.js';
import { FORM_COMMANDS, FORM_QUERIES } from './forms.contract.js';
import { LawContext } from './law-context.js';
import { Part } from './part.js';

export { Part } from './part.js';

/** The result of `Echo`: its own fields, and the classes of them that the handler saw. */
export class Echoed {
  @IsDate() @Type(() => Date) at!: Date;
  @ValidateNested({ each: true }) @Type(() => Part) parts!: Part[];
  @IsOptional() @IsString() note?: string | null;
  @IsBoolean() sawInstances!: boolean;
}

@CommandContract('target.echo.v1', { result: Echoed })
export class Echo extends Command<Echoed> {
  @IsDate() @Type(() => Date) at!: Date;
  @ValidateNested({ each: true }) @Type(() => Part) parts!: Part[];
  @IsOptional() @IsString() @MaxLength(200_000) note?: string | null;
  constructor(fields: Fields<Echo>) {
    super();
    Object.assign(this, fields);
  }
}

@ErrorContract('target.refused.v1', { kind: 'conflict', hint: 'Ask for less.' })
export class Refused extends ContractError {
  @IsInt() limit!: number;
  @IsDate() @Type(() => Date) since!: Date;
  constructor(fields: Fields<Refused>) {
    super(`refused above ${fields.limit}`);
    Object.assign(this, fields);
  }
}

@ErrorContract('target.undeclared.v1', {})
export class NotDeclared extends ContractError {
  @IsString() secret!: string;
}

/** The ways in which `Fail` fails. */
export const FAILURES = [
  'declared',
  'undeclared',
  'plain',
  'synchronous',
  'not-an-error',
  'bad-result',
  'foreign-kit-error',
  'deadlock',
  'lost-connection',
  'lost-commit',
] as const;

@CommandContract('target.fail.v1', { result: Part, errors: [Refused] })
export class Fail extends Command<Part> {
  @IsIn([...FAILURES]) how!: (typeof FAILURES)[number];
  constructor(fields: Fields<Fail>) {
    super();
    Object.assign(this, fields);
  }
}

/** Where the handler of `Misspell` adds a field that no class declares. */
export const MISSPELT = ['nothing', 'result', 'error'] as const;

/** Open to the fields that a newer version adds; code of one version may still not add any itself. */
@CommandContract('target.misspell.v1', { result: Part, errors: [Refused], unknownFields: 'open' })
export class Misspell extends Command<Part> {
  @IsIn([...MISSPELT]) what!: (typeof MISSPELT)[number];
  @ValidateNested() @Type(() => Part) part!: Part;
  constructor(fields: Fields<Misspell>) {
    super();
    Object.assign(this, fields);
  }
}

/** What a handler saw in its context. */
export class Seen {
  @IsString() caller!: string;
  @IsOptional() @IsString() subject?: string;
  @IsString({ each: true }) @IsArray() roles!: string[];
  @IsOptional() @IsString() onBehalfOf?: string;
  @IsString() correlationId!: string;
  @IsString() traceparent!: string;
  @IsOptional() @IsString() idempotencyKey?: string;
  @IsInt() timeLeftMs!: number;
  /** Whether the caller's own async-local state was visible, which must never be the case. */
  @IsBoolean() sawForeignState!: boolean;
}

@QueryContract('target.look.v1', { result: Seen, deadlineMs: 2_000 })
export class Look extends Query<Seen> {}

/** What a handler saw of the application's context. */
export class SeenContext {
  @ValidateNested() @Type(() => LawContext) context!: LawContext;
  @IsBoolean() isInstance!: boolean;
  /** All of it, as it goes on from there. */
  @IsOptional() @IsString() text?: string;
}

@QueryContract('target.context.v1', { result: SeenContext })
export class LookContext extends Query<SeenContext> {}

@CommandContract('target.work.v1', { deadlineMs: 5_000 })
export class Work extends Command<void> {
  @IsString() id!: string;
  /** Ends by itself after this time, or as soon as its signal aborts. */
  @IsInt() ms!: number;
  constructor(fields: Fields<Work>) {
    super();
    Object.assign(this, fields);
  }
}

@CommandContract('target.hasty.v1', { deadlineMs: 100 })
export class Hasty extends Command<void> {
  @IsString() id!: string;
  constructor(fields: Fields<Hasty>) {
    super();
    Object.assign(this, fields);
  }
}

/** What happened to each piece of work: `started`, `aborted`, `ended`. */
@QueryContract('target.log.v1', { result: String })
export class WorkLog extends Query<string> {
  @IsString() id!: string;
  constructor(fields: Fields<WorkLog>) {
    super();
    Object.assign(this, fields);
  }
}

@QueryContract('target.list.v1', { result: [Part] })
export class ListParts extends Query<Part[]> {
  @IsInt() @Min(0) count!: number;
  constructor(fields: Fields<ListParts>) {
    super();
    Object.assign(this, fields);
  }
}

@QueryContract('target.number.v1', { result: Number })
export class GiveNumber extends Query<number> {}

/** Which result a query that need not find anything is to answer. */
export const FINDINGS = ['some', 'null', 'undefined', 'wrong'] as const;

@QueryContract('target.find.v1', { result: nullable(Part) })
export class FindPart extends Query<Part | null> {
  @IsIn([...FINDINGS]) what!: (typeof FINDINGS)[number];
  constructor(fields: Fields<FindPart>) {
    super();
    Object.assign(this, fields);
  }
}

@QueryContract('target.find-parts.v1', { result: nullable([Part]) })
export class FindParts extends Query<Part[] | null> {
  @IsIn([...FINDINGS]) what!: (typeof FINDINGS)[number];
  constructor(fields: Fields<FindParts>) {
    super();
    Object.assign(this, fields);
  }
}

@QueryContract('target.find-word.v1', { result: nullable(String) })
export class FindWord extends Query<string | null> {
  @IsIn([...FINDINGS]) what!: (typeof FINDINGS)[number];
  constructor(fields: Fields<FindWord>) {
    super();
    Object.assign(this, fields);
  }
}

/** Some JSON whose shape nobody says. */
export class Bag {
  @IsJsonValue() json!: JsonValue;
}

@CommandContract('target.keep.v1', { result: Bag })
export class Keep extends Command<Bag> {
  @IsJsonValue() json!: JsonValue;
  constructor(fields: Fields<Keep>) {
    super();
    Object.assign(this, fields);
  }
}

@QueryContract('target.words.v1', { result: [String] })
export class ListWords extends Query<string[]> {}

@QueryContract('target.numbers.v1', { result: [Number] })
export class ListNumbers extends Query<number[]> {
  @IsBoolean() sound!: boolean;
  constructor(fields: Fields<ListNumbers>) {
    super();
    Object.assign(this, fields);
  }
}

@QueryContract('target.flags.v1', { result: [Boolean] })
export class ListFlags extends Query<boolean[]> {}

export const TargetContract = defineContract({
  name: 'target',
  commands: [Echo, Fail, Misspell, Work, Hasty, Keep, ...FORM_COMMANDS],
  queries: [
    Look,
    LookContext,
    WorkLog,
    ListParts,
    GiveNumber,
    FindPart,
    FindParts,
    FindWord,
    ListWords,
    ListNumbers,
    ListFlags,
    ...FORM_QUERIES,
    ...ACCESS_QUERIES,
  ],
});
