/** A system user that a server runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  /**
   * Whether to reach files through folders that this user cannot enter, such as those of a checkout below /root or in a
   * private temporary folder.
   */
  readonly throughClosedFolders?: boolean;
}

/** A program with its arguments, and the user that Node must start it as. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly as: { readonly uid?: number; readonly gid?: number };
}

/**
 * The command that runs a program as an account, or as this process if there is none. Closed folders are entered with a
 * capability that `setpriv` (util-linux) gives to this program alone: PostgreSQL only requires that it is not root and
 * owns its data.
 */
export function commandAs(account: Account | undefined, program: string, args: readonly string[]): Command {
  if (!account) return { program, args, as: {} };
  const { uid, gid } = account;
  if (!account.throughClosedFolders) return { program, args, as: { uid, gid } };
  const pass = '+dac_override,+dac_read_search';
  // Without this secure bit, access(2), by which initdb looks for its companion programs, ignores capabilities.
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
