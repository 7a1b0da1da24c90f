/**
 * Checks the lock file: each package comes from the npm registry with a hash, and has a licence that policy.json allows.
 *
 * node .ci/supply-chain/licences.mjs [package-lock.json]
 */
import parse from 'spdx-expression-parse';
import { lockedPackages, policy } from './lock.mjs';

const REGISTRY = 'https://registry.npmjs.org/';
const file = process.argv[2] ?? 'package-lock.json';
const { allowed, development, packages: known } = policy().licences;
const packages = lockedPackages(file);
const faults = packages.flatMap((one) => [licenceFault(one), sourceFault(one)].filter((fault) => fault !== undefined));
for (const name of Object.keys(known))
  if (file === 'package-lock.json' && !packages.some((one) => one.name === name))
    faults.push(`policy.json names ${name}, which is no longer installed: remove it there`);

for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else console.log(`${packages.length} packages: each from the registry with its hash, under a licence that is allowed`);

function licenceFault({ name, version, license, isDevelopment }) {
  if (known[name] !== undefined) return undefined;
  const may = new Set(isDevelopment ? [...allowed, ...development] : allowed);
  if (license !== undefined && isAllowed(license, may)) return undefined;
  return `${name}@${version} has the licence '${license ?? 'none'}', which .ci/supply-chain/policy.json does not allow`;
}

function isAllowed(license, may) {
  try {
    return holds(parse(license), may);
  } catch {
    // no SPDX expression, such as 'SEE LICENSE IN …': somebody has to read it, and name the package in policy.json
    return false;
  }
}

function holds(node, may) {
  if (node.conjunction === 'or') return holds(node.left, may) || holds(node.right, may);
  if (node.conjunction === 'and') return holds(node.left, may) && holds(node.right, may);
  return may.has(node.license);
}

function sourceFault({ name, version, resolved, integrity }) {
  // without an address, npm takes it from the registry in use: the hash says that it is the same package everywhere
  if (resolved !== undefined && !resolved.startsWith(REGISTRY))
    return `${name}@${version} comes from ${resolved}, not from ${REGISTRY}`;
  return integrity?.startsWith('sha512-') ? undefined : `${name}@${version} is locked without a hash of SHA-512`;
}
