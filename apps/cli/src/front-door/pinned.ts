import { readFileSync } from 'node:fs';
import { buildConnector } from 'undici';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/;

/**
 * How to connect to a replica of this machine. One that speaks HTTPS is recognised by its certificate, which must be the
 * first one in `certFile`, not by a name: it is reached by an address that the certificate need not have. The file is read at
 * each connection, since it may have been renewed; what it held before counts, too, until replicas have noticed.
 */
export function connectorTo(timeout: number, certFile?: string): buildConnector.connector {
  const plain = buildConnector({ timeout });
  let pinned: readonly string[] = [];
  return (options, callback) => {
    if (options.protocol !== 'https:' || certFile === undefined) return plain(options, callback);
    let connector: buildConnector.connector;
    try {
      // those behind the first are of its authorities, which may have signed others
      const now = CERTIFICATE.exec(readFileSync(certFile, 'utf8'))?.[0] ?? '';
      if (pinned[0] !== now) pinned = [now, ...pinned].slice(0, 2);
      connector = buildConnector({
        timeout,
        ca: [...pinned],
        allowPartialTrustChain: true,
        checkServerIdentity: () => undefined,
      } as buildConnector.BuildOptions);
    } catch (error) {
      return callback(error as Error, null);
    }
    connector(options, callback);
  };
}
