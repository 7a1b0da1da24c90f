import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { TlsOptions } from '@nats-io/transport-node';
import type { TlsFiles } from '@fledge/kit/transport';

/** Where a topology file names the files, for messages. */
export const NATS_TLS = 'nats.tls';

/** The options of the client, which reads the files again at each connection; none if no TLS is asked for. */
export function clientTls(servers: readonly string[], files: TlsFiles | undefined): TlsOptions | undefined {
  if (!files && !servers.some((server) => server.startsWith('tls:'))) return undefined;
  const { ca, cert, key } = files ?? {};
  return {
    ...(ca !== undefined && { caFile: ca }),
    ...(cert !== undefined && { certFile: cert }),
    ...(key !== undefined && { keyFile: key }),
    // it passes all options on to Node's `tls.connect`
    ...{ checkServerIdentity: identityCheck(servers) },
  };
}

/**
 * Checks the name in a server's certificate. For a server that is named by its IP address the client gives Node no name,
 * and Node then checks for `localhost`, which says nothing of that server: the address is checked instead.
 */
export function identityCheck(servers: readonly string[]): typeof checkServerIdentity {
  const hosts = servers.map((server) => hostOf(server));
  const addresses = hosts.filter((host) => isIP(host) !== 0);
  return (name: string, certificate: PeerCertificate) => {
    if (name !== 'localhost' || addresses.length === 0 || hosts.includes(name))
      return checkServerIdentity(name, certificate);
    const flaws = addresses.map((address) => checkServerIdentity(address, certificate));
    return flaws.includes(undefined) ? undefined : flaws[0];
  };
}

/** The host of a server's URL; an IPv6 address is without its brackets. */
export function hostOf(server: string): string {
  return new URL(server).hostname.replace(/^\[(.*)\]$/, '$1');
}
