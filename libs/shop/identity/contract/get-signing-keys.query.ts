import { QueryContract, SigningKeys } from '@fledge/kit/contract';
import { Query } from '@nestjs/cqrs';

/** Returns the public keys that verify identity's access tokens, the newest first. */
@QueryContract('identity.get-signing-keys.v1', { result: SigningKeys })
export class GetSigningKeys extends Query<SigningKeys> {}
