/**
 * Writes the bill of materials of all workspaces as CycloneDX: what the lock file installs on any system, with hashes
 * and licences. It is checked against the schema of CycloneDX and the lock file before it is written.
 *
 * npm run sbom [-- file] # default: sbom.cdx.json
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { lockedPackages } from './lock.mjs';

const file = process.argv[2] ?? 'sbom.cdx.json';
const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
const { stdout } = await promisify(execFile)('npm', args, { maxBuffer: 2 ** 28 });
const bom = JSON.parse(stdout);
// npm names workspaces by their folders
for (const component of [bom.metadata.component, ...bom.components]) rename(component);

const faults = [...(await schemaFaults()), ...lockFaults()];
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else {
  writeFileSync(file, `${JSON.stringify(bom, undefined, 2)}\n`);
  console.log(`${file}: ${bom.components.length} components, CycloneDX ${bom.specVersion}`);
}

function rename(component) {
  const ref = component['bom-ref'].split('|')[0];
  component.name = ref.slice(0, ref.lastIndexOf('@'));
}

async function schemaFaults() {
  const flaw = await new Validation.JsonStrictValidator(
    Spec.Version[`v${bom.specVersion.replace('.', 'dot')}`],
  ).validate(JSON.stringify(bom));
  return flaw ? [`it is not valid CycloneDX ${bom.specVersion}: ${JSON.stringify(flaw).slice(0, 1_000)}`] : [];
}

function lockFaults() {
  const has = new Set(bom.components.map(({ name, version }) => `${name}@${version}`));
  return [...new Set(lockedPackages('package-lock.json').map(({ name, version }) => `${name}@${version}`))]
    .filter((one) => !has.has(one))
    .map((one) => `it lacks ${one}`);
}
