import { SigningKeys } from '@fledge/kit/contract';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { GetSigningKeys } from '../../contract/index.js';
import { SigningKeyRepository } from '../storage/signing-key.repository.js';

/** Returns the public halves of the keys. */
@QueryHandler(GetSigningKeys)
export class GetSigningKeysHandler implements IQueryHandler<GetSigningKeys> {
  constructor(private readonly keys: SigningKeyRepository) {}

  async execute(): Promise<SigningKeys> {
    const rows = await this.keys.list();
    return new SigningKeys({
      keys: rows.map(({ kid, x }) => ({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid, x })),
    });
  }
}
