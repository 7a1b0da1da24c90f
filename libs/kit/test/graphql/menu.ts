import { EventEmitter, on } from 'node:events';
import type { IncomingMessage } from 'node:http';
import {
  type Application,
  Authentication,
  BoundedModule,
  CurrentUser,
  currentCall,
  identify,
  type Identity,
  type PlatformName,
  Public,
  Roles,
} from '@fledge/kit';
import { ContractError, defineContract, ErrorContract, type Fields, QueryContract } from '@fledge/kit/contract';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import {
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
  Injectable,
  NotFoundException,
  UseGuards,
} from '@nestjs/common';
import { Query as Question, QueryBus, QueryHandler } from '@nestjs/cqrs';
import {
  Args,
  Field,
  GqlExecutionContext,
  GraphQLModule,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { IsInt, Max } from 'class-validator';
import { GraphQLError } from 'graphql';

@ErrorContract('cups.none-left.v1', { kind: 'conflict', hint: 'Wash one.' })
export class NoneLeft extends ContractError {
  @IsInt() readonly size!: number;
  constructor(fields: Fields<NoneLeft>) {
    super(`no cup of size ${fields.size} is left`);
    Object.assign(this, fields);
  }
}

@QueryContract('cups.take.v1', { result: String, errors: [NoneLeft] })
export class TakeCup extends Question<string> {
  @IsInt() size!: number;
  constructor(fields: Fields<TakeCup>) {
    super();
    Object.assign(this, fields);
  }
}

export const CupsContract = defineContract({ name: 'cups', routes: ['/cups'], queries: [TakeCup] });
export const TeasContract = defineContract({ name: 'teas', routes: ['/teas'] });

/** A schema of one module, on a route of its own. */
const graphql = (path: string): DynamicModule =>
  GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true, path });

/** The same, with subscriptions over WebSocket. */
const withSubscriptions = (path: string): DynamicModule =>
  GraphQLModule.forRoot<ApolloDriverConfig>({
    driver: ApolloDriver,
    autoSchemaFile: true,
    path,
    subscriptions: { 'graphql-ws': true },
    // of a subscription, the request of the handshake
    context: ({ req, extra }: { req?: IncomingMessage; extra?: { request: IncomingMessage } }) => ({
      req: req ?? extra?.request,
    }),
  });

@QueryHandler(TakeCup)
class TakeCupHandler {
  execute({ size }: TakeCup): string {
    if (size === 9) throw new NoneLeft({ size });
    if (size === 8) throw new Error('secret');
    return `a cup of ${size} for ${currentCall()?.identity?.subject ?? 'nobody'}`;
  }
}

/** Has the name of a type of the other module, and other fields. */
@ObjectType('Leaf')
class CupLeaf {
  @Field() painted!: string;
}

@Resolver()
class CupsResolver {
  @Query(() => CupLeaf)
  leaf(): CupLeaf {
    return { painted: 'blue' };
  }
}

@BoundedModule({
  contract: CupsContract,
  imports: [graphql('/cups/graphql')],
  providers: [TakeCupHandler, CupsResolver],
})
export class CupsModule {}

@ObjectType('Leaf')
class TeaLeaf {
  @Field() grown!: string;
}

@InputType()
class Order {
  @Field(() => Int) @Max(10) grams!: number;
}

/** Tells subscribers of this process what is poured. */
export const pot = new EventEmitter();

@Injectable()
class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { req } = GqlExecutionContext.create(context).getContext<{
      req: { readonly headers: Readonly<Record<string, string | undefined>> };
    }>();
    const user = req.headers['x-user'];
    if (user !== undefined) identify({ subject: user, roles: user === 'mia' ? ['host'] : [] });
    return true;
  }
}

@Injectable()
class ClosedGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

function takeCup(this: TeasResolver, [size]: [number]): Promise<string> {
  return this.queries.execute(new TakeCup({ size }));
}

@Public()
@Resolver()
class TeasResolver {
  constructor(readonly queries: QueryBus) {}

  @Query(() => TeaLeaf)
  leaf(): TeaLeaf {
    return { grown: 'Assam' };
  }

  @Query(() => String)
  cup(@Args('size', { type: () => Int }) size: number): Promise<string> {
    return this.queries.execute(new TakeCup({ size }));
  }

  @Mutation(() => Int)
  order(@Args('order') { grams }: Order): number {
    return grams;
  }

  @Mutation(() => Int)
  pour(@Args('size', { type: () => Int }) size: number): number {
    pot.emit('poured', size);
    return size;
  }

  /** A cup of each size that is poured, for who has subscribed. */
  @Subscription(() => String, { resolve: takeCup })
  poured(): AsyncIterable<unknown> {
    return on(pot, 'poured');
  }

  @Subscription(() => String, { resolve: (name: string) => name })
  @Roles('host')
  async *mine(@CurrentUser() user: Identity): AsyncGenerator<string> {
    await Promise.resolve();
    yield user.subject;
  }

  @Query(() => String)
  @Roles('host')
  me(@CurrentUser() user: Identity): string {
    return user.subject;
  }

  @Query(() => String)
  broken(): string {
    throw new Error('secret');
  }

  @Query(() => String)
  missing(): string {
    throw new NotFoundException('no such tea');
  }

  @Query(() => String)
  own(): string {
    throw new GraphQLError('it is mine', { extensions: { code: 'MINE' } });
  }

  @Query(() => String)
  @UseGuards(ClosedGuard)
  closed(): string {
    return 'open';
  }
}

@BoundedModule({
  contract: TeasContract,
  uses: [CupsContract],
  imports: [withSubscriptions('/teas/graphql'), Authentication.by(UserGuard)],
  providers: [TeasResolver],
})
export class TeasModule {}

export const menu = (platform: PlatformName): Application => ({
  name: 'menu',
  platform,
  modules: [
    { contract: TeasContract, load: () => Promise.resolve(TeasModule) },
    { contract: CupsContract, load: () => Promise.resolve(CupsModule) },
  ],
});
