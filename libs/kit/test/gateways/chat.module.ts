import {
  Authentication,
  BoundedModule,
  CurrentUser,
  currentCall,
  identify,
  type Identity,
  Public,
  Roles,
  Unauthenticated,
} from '@fledge/kit';
import { defineContract, type Fields, QueryContract } from '@fledge/kit/contract';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Query, QueryBus, QueryHandler } from '@nestjs/cqrs';
import {
  ConnectedSocket,
  MessageBody,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { IsInt, IsString } from 'class-validator';
import type { IncomingMessage } from 'node:http';
import { interval, map, type Observable } from 'rxjs';

@QueryContract('names.of.v1', { result: String, deadlineMs: 300 })
export class NameOf extends Query<string> {
  @IsString() id!: string;
  constructor(fields: Fields<NameOf>) {
    super();
    Object.assign(this, fields);
  }
}

export const NamesContract = defineContract({ name: 'names', queries: [NameOf] });

@QueryHandler(NameOf)
class NameOfHandler {
  async execute({ id }: NameOf): Promise<string> {
    if (id === 'late') await new Promise((resolve) => setTimeout(resolve, 5_000).unref());
    return `${id} for ${currentCall()?.identity?.subject ?? 'nobody'}`;
  }
}

@BoundedModule({ contract: NamesContract, providers: [NameOfHandler] })
export class NamesModule {}

/** What the gateways saw, for the tests to look at. */
export const seen = {
  connections: 0,
  disconnections: [] as string[],
  streamsOpen: 0,
  running: 0,
  finish: (): void => undefined,
};

/** A client of either library. */
export interface ChatClient {
  user?: string;
}

@Injectable()
class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { user } = context.switchToWs().getClient<ChatClient>();
    if (user === 'x') throw new Unauthenticated('x is nobody');
    if (user !== undefined) identify({ subject: user, roles: user === 'mia' ? ['host'] : [] });
    return true;
  }
}

class Dice {
  @IsInt() sides!: number;
}

@Public()
abstract class ChatGateway implements OnGatewayConnection, OnGatewayDisconnect {
  constructor(readonly queries: QueryBus) {}

  /** With `ws` the request is the second argument, with Socket.IO it is a field of the first. */
  handleConnection(client: ChatClient & { readonly request?: IncomingMessage }, request = client.request): void {
    seen.connections++;
    const { headers } = request as IncomingMessage;
    if (headers['x-user'] === 'banned') throw new Unauthenticated('you are banned');
    if (headers['x-broken'] !== undefined) throw new Error('secret');
    if (headers['x-member'] !== undefined) identify({ subject: String(headers['x-member']), roles: ['host'] });
    client.user = headers['x-user'] as string | undefined;
  }

  async handleDisconnect(): Promise<void> {
    seen.disconnections.push(currentCall()?.caller ?? 'none');
    await Promise.reject(new Error('secret'));
  }

  @SubscribeMessage('name')
  async name(@MessageBody() id: string): Promise<object> {
    return { event: 'name', data: await this.queries.execute(new NameOf({ id })) };
  }

  @SubscribeMessage('context')
  context(): object {
    const call = currentCall();
    return { event: 'context', data: { caller: call?.caller, correlationId: call?.correlationId } };
  }

  @SubscribeMessage('roll')
  roll(@MessageBody() { sides }: Dice): object {
    return { event: 'roll', data: sides };
  }

  @SubscribeMessage('me')
  @Roles('host')
  me(@CurrentUser() user: Identity): object {
    return { event: 'me', data: user.subject };
  }

  @SubscribeMessage('refuse')
  refuse(): never {
    throw new WsException('not today');
  }

  @SubscribeMessage('break')
  break(): never {
    throw new Error('secret');
  }

  @SubscribeMessage('count')
  count(@ConnectedSocket() _client: ChatClient): Observable<object> {
    return interval(10).pipe(map((n) => ({ event: 'count', data: { n, by: currentCall()?.caller } })));
  }

  @SubscribeMessage('slow')
  async slow(): Promise<object> {
    seen.running++;
    await new Promise<void>((resolve) => (seen.finish = resolve));
    return { event: 'slow', data: 'done' };
  }
}

@WebSocketGateway({ path: '/chat/room' })
class RoomGateway extends ChatGateway {
  constructor(queries: QueryBus) {
    super(queries);
  }
}

export const ChatContract = defineContract({ name: 'chat', routes: ['/chat'] });

@BoundedModule({
  contract: ChatContract,
  uses: [NamesContract],
  imports: [Authentication.by(UserGuard)],
  providers: [RoomGateway],
})
export class ChatModule {}
