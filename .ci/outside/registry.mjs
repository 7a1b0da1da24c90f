/**
 * A registry of npm packages on loopback: the packed files of this repository, and everything else from the registry
 * that npm is configured with. What is installed from it is what would be published.
 */
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

/**
 * @param {readonly string[]} folders packages to pack; built already
 * @param {string} into a folder for the packed files
 * @param {string} upstream the URL of the registry for all others
 */
export async function startRegistry(folders, into, upstream) {
  const packed = new Map(folders.map((folder) => pack(folder, into)).map((one) => [one.manifest.name, one]));
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://registry').pathname).slice(1);
    const file = [...packed.values()].find(({ fileName }) => path === `packed/${fileName}`);
    if (file) return void response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(file.bytes);
    const one = packed.get(path);
    if (!one)
      return void response.writeHead(307, { location: upstream.replace(/\/$/, '') + (request.url ?? '/') }).end();
    const { manifest, fileName, integrity } = one;
    const version = { ...manifest, dist: { integrity, tarball: `${url()}packed/${fileName}` } };
    response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        name: manifest.name,
        'dist-tags': { latest: manifest.version },
        versions: { [manifest.version]: version },
      }),
    );
  });
  const url = () => `http://127.0.0.1:${server.address().port}/`;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: url(),
    files: [...packed.values()].map(({ fileName }) => join(into, fileName)),
    stop: () => server.close(),
  };
}

/** Packs a package as `npm publish` would. It is built: its `prepack` has nothing to add. */
function pack(folder, into) {
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', into], {
      cwd: folder,
      encoding: 'utf8',
    }),
  );
  const bytes = readFileSync(join(into, filename));
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return {
    manifest,
    fileName: filename,
    bytes,
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
  };
}
