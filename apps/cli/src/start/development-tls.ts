import { join } from 'node:path';
import { type Topology, usesEmbedded, withDatabaseTls } from '@fledge/kit/operations';
import { type CertificateFiles, type DevelopmentCertificates, developmentCertificates } from '@fledge/cli/servers';
import type { Project } from '../project.js';

/** Where a project keeps its certificates for development. */
export const CERTIFICATE_FOLDER = '.data/certs';

/** What of a start on this machine uses certificates for development. */
export interface DevelopmentTls {
  readonly certificates: DevelopmentCertificates;
  /** For the embedded PostgreSQL. */
  readonly database: CertificateFiles | undefined;
  /** For the broker of this start. */
  readonly broker: DevelopmentCertificates | undefined;
  /** For services and the front door, unless the topology names others. */
  readonly http: CertificateFiles | undefined;
  /** What services are told, where the topology says nothing. */
  readonly env: NodeJS.ProcessEnv;
  /** The URL of the embedded PostgreSQL, for connections that verify it. */
  databaseUrl(url: string): string;
}

/**
 * Certificates for development, in `.data/certs`, made or renewed if necessary: with `--tls` for all that this start
 * runs; otherwise for the servers that it brings along, where the topology has a section `tls` for their clients.
 */
export async function developmentTls({
  topology,
  project,
  tls = false,
}: {
  readonly topology: Topology;
  readonly project: Project;
  readonly tls?: boolean;
}): Promise<DevelopmentTls | undefined> {
  const ownsDatabase = usesEmbedded(topology) && (tls || topology.database.tls !== undefined);
  const ownsBroker =
    topology.transport === 'nats' && topology.nats.servers.length === 0 && (tls || topology.nats.tls !== undefined);
  if (!tls && !ownsDatabase && !ownsBroker) return undefined;
  const certificates = await developmentCertificates(join(project.root, CERTIFICATE_FOLDER));
  const { ca, server, client } = certificates;
  return {
    certificates,
    database: ownsDatabase ? server : undefined,
    broker: ownsBroker ? certificates : undefined,
    http: tls ? server : undefined,
    env: {
      ...(tls && { FLEDGE_HTTP_CERT: server.cert, FLEDGE_HTTP_KEY: server.key }),
      ...(ownsBroker && { NATS_CA: ca, NATS_CERT: client.cert, NATS_KEY: client.key }),
    },
    databaseUrl: (url) => (ownsDatabase ? withDatabaseTls(url, { ca }) : url),
  };
}
