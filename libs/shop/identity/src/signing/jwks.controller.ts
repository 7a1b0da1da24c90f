import { Public } from '@fledge/kit';
import type { SigningKeys } from '@fledge/kit/contract';
import { Controller, Get, Header } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOkResponse, ApiOperation, ApiTags } from '@fledge/kit/openapi';
import { GetSigningKeys } from '../../contract/index.js';
import { JwksView } from './jwks.view.js';

/** The public keys, for verifying tokens outside of the shop. */
@ApiTags('identity')
@Public()
@Controller('.well-known/jwks.json')
export class JwksController {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @Header('cache-control', 'public, max-age=300')
  @ApiOperation({ summary: 'The public keys that verify access tokens (RFC 7517)' })
  @ApiOkResponse({ type: JwksView })
  keys(): Promise<SigningKeys> {
    return this.queries.execute(new GetSigningKeys());
  }
}
