const KEPT_VARIABLES = /^(PATH|HOME|USER|LOGNAME|TMPDIR|TEMP|TMP|SYSTEMROOT|LD_LIBRARY_PATH|DYLD_.*|TZ)$/i;

/**
 * What a server that a start brings along needs of the environment: neither secrets, which SQL could read, nor `PGDATA`,
 * `PGPORT` and the like, which would change it.
 */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => KEPT_VARIABLES.test(name));
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}
