import { NatsContext } from '@nestjs/microservices';

/** What `@Ctx()` gives to a handler that a `FledgeStrategy` calls: a `NatsContext`, the same in every topology. */
export class FledgeContext extends NatsContext {
  constructor(
    subject: string,
    headers: ReadonlyMap<string, string>,
    private readonly metadata: Readonly<Record<string, string>>,
  ) {
    super([subject, headers]);
  }

  /** The subject of the pattern without the namespace: `inventory._pattern.stock.count`. */
  override getSubject(): string {
    return super.getSubject();
  }

  /**
   * The headers that the client gave with a `NatsRecord`; empty if it gave none. A client of Nest that does not use the
   * serializer of the kit gives none.
   */
  override getHeaders(): ReadonlyMap<string, string> {
    return super.getHeaders() as ReadonlyMap<string, string>;
  }

  /** What the client's `setOnDispatchHook` set; empty if nothing did. */
  getMetadata(): Readonly<Record<string, string>> {
    return this.metadata;
  }
}
