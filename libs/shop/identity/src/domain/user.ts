/** What a user may do. `buyer`: buy; `staff`: manage products and stock. */
export type Role = 'buyer' | 'staff';

/** All roles, for checks. */
export const ROLES: readonly Role[] = ['buyer', 'staff'];

/** The longest e-mail address, in characters (RFC 5321: a path of 256 with its brackets). */
export const EMAIL_CHARS_MAX = 254;
/** The shortest password, in characters: NIST SP 800-63B requires 8, and prefers length over kinds of characters. */
export const PASSWORD_CHARS_MIN = 10;
/** The longest password, in characters: longer ones would only take more time to hash. */
export const PASSWORD_CHARS_MAX = 128;

/** A user, without the password. */
export interface User {
  readonly id: string;
  readonly email: string;
  readonly roles: readonly Role[];
  readonly createdAt: Date;
}

/** The form of an address by which users are told apart: `Ann@Shop.test ` and `ann@shop.test` are one user. */
export function emailKey(email: string): string {
  return email.trim().normalize('NFC').toLowerCase();
}
