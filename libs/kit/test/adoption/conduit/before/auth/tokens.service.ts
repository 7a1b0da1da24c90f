import { Injectable } from '@nestjs/common';
import { jwtVerify, SignJWT } from 'jose';

const SECRET = new TextEncoder().encode(process.env.JWT_SECRET ?? 'only for development, and at least this long');

@Injectable()
export class TokensService {
  sign(userId: number): Promise<string> {
    return new SignJWT()
      .setSubject(String(userId))
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('7d')
      .sign(SECRET);
  }

  /** The user of a token that is valid. */
  async verify(token: string): Promise<number | undefined> {
    const verified = await jwtVerify(token, SECRET).catch(() => undefined);
    return verified && Number(verified.payload.sub);
  }
}
