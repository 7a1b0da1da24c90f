/** A user of the system, as whom a server runs. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  /**
   * Reach files through folders that are closed to this user, as a checkout below /root or in a private temporary
   * folder is.
   */
  readonly throughClosedFolders?: boolean;
}

/** A program with its arguments, and as whom Node must start it. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly as: { readonly uid?: number; readonly gid?: number };
}

/**
 * The command that runs a program as an account; without one, as this process. A way through closed folders is the
 * capability to pass them, given to this program alone by `setpriv` (util-linux): PostgreSQL only asks that it is not
 * root and owns its data.
 */
export function commandAs(account: Account | undefined, program: string, args: readonly string[]): Command {
  if (!account) return { program, args, as: {} };
  const { uid, gid } = account;
  if (!account.throughClosedFolders) return { program, args, as: { uid, gid } };
  const pass = '+dac_override,+dac_read_search';
  // Without the secure bit access(2), by which initdb looks for its fellow programs, does not count capabilities.
  const change = [
    '--securebits=+no_setuid_fixup',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    `--inh-caps=${pass}`,
    `--ambient-caps=${pass}`,
  ];
  return { program: 'setpriv', args: [...change, '--', program, ...args], as: {} };
}
