import { type ContextId, ContextIdFactory, type ContextIdStrategy, type HostComponentInfo } from '@nestjs/core';

interface Headed {
  readonly headers?: Readonly<Record<string, string>>;
}

/** As on Nest's page about durable providers: those of a tenant are made once. */
export class ByTenant implements ContextIdStrategy<Headed> {
  private readonly tenants = new Map<string, ContextId>();

  attach(contextId: ContextId, { headers }: Headed): ReturnType<ContextIdStrategy['attach']> {
    const tenant = headers?.['x-tenant'];
    if (tenant === undefined) return () => contextId;
    const known = this.tenants.get(tenant) ?? ContextIdFactory.create();
    this.tenants.set(tenant, known);
    return {
      resolve: ({ isTreeDurable }: HostComponentInfo) => (isTreeDurable ? known : contextId),
      payload: { tenant },
    };
  }
}
