import { IsInt, IsString, Min } from 'class-validator';

/** A nested part, to check that it arrives as an instance of its class. */
export class Part {
  @IsString() name!: string;
  @IsInt() @Min(1) count!: number;
  describe(): string {
    return `${this.count} of ${this.name}`;
  }
}
