/**
 * Asks the registry for advisories about what the lock file installs, and applies policy.json: an advisory of the
 * severity named there, or above it, fails the run, unless `allowed` has `{ advisory, reason, until }`: its number
 * (GHSA-…), why it does no harm here, and the last day (YYYY-MM-DD) on which that counts.
 *
 * Where no advisory can be had, it says so and does not fail; with FLEDGE_AUDIT=required it does.
 *
 * node .ci/supply-chain/audit.mjs [a report of `npm audit --json`]
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { lockedPackages, policy } from './lock.mjs';

const TIMEOUT_MS = 120_000;
const SEVERITIES = ['info', 'low', 'moderate', 'high', 'critical'];
const today = new Date().toISOString().slice(0, 10);

const rules = process.env.FLEDGE_AUDIT_POLICY ? JSON.parse(process.env.FLEDGE_AUDIT_POLICY) : policy().audit;
const report = process.argv[2] ? JSON.parse(readFileSync(process.argv[2], 'utf8')) : await ask();
if (report.vulnerabilities === undefined) {
  const isRequired = process.env.FLEDGE_AUDIT === 'required';
  console.error(`NOT CHECKED: no advisories can be had from the registry (${report.message ?? 'it gave no report'}).`);
  if (!isRequired) console.error('This does not fail the run; with FLEDGE_AUDIT=required it would.');
  process.exitCode = isRequired ? 1 : 0;
} else {
  const faults = [...advisoryFaults(report), ...ruleFaults(report)];
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
  else console.log('no advisory that the policy does not allow');
}

function ask() {
  return new Promise((resolve) => {
    const args = ['audit', '--json', '--package-lock-only', '--audit=true'];
    execFile('npm', args, { timeout: TIMEOUT_MS, maxBuffer: 2 ** 26 }, (error, stdout) => {
      try {
        resolve(JSON.parse(stdout));
      } catch {
        // what npm printed is no report: its own error says why
        resolve({ message: error?.message.split('\n')[0] ?? 'npm audit printed no JSON' });
      }
    });
  });
}

/** The advisories of a report, each once for each package: entries of `via` that are texts only name other packages. */
function advisoriesOf({ vulnerabilities }) {
  return Object.values(vulnerabilities).flatMap(({ name, nodes = [], via }) =>
    via
      .filter((one) => typeof one === 'object')
      .map(({ url, title, severity }) => ({ id: url.split('/').at(-1), name, nodes, title, severity })),
  );
}

function advisoryFaults(audit) {
  const shipped = new Set(
    lockedPackages('package-lock.json')
      .filter((one) => !one.isDevelopment)
      .map((one) => one.path),
  );
  return advisoriesOf(audit).flatMap(({ id, name, nodes, title, severity }) => {
    const isShipped = nodes.some((node) => shipped.has(node));
    const least = isShipped ? rules.shipped : rules.development;
    if (SEVERITIES.indexOf(severity) < SEVERITIES.indexOf(least)) return [];
    if (rules.allowed.some((one) => one.advisory === id && one.until >= today)) return [];
    return [`${id} (${severity}, ${isShipped ? 'shipped' : 'development'}): ${name}: ${title}`];
  });
}

/** An exception must say why, end, and still be needed. */
function ruleFaults(audit) {
  const found = new Set(advisoriesOf(audit).map(({ id }) => id));
  return rules.allowed.flatMap(({ advisory, reason, until }) => {
    if (!reason || !/^\d{4}-\d\d-\d\d$/.test(until ?? '')) return [`${advisory} is allowed without a reason or an end`];
    if (until < today) return [`${advisory} was allowed until ${until}: look at it again`];
    return found.has(advisory) ? [] : [`${advisory} is allowed, but nothing here has it any more: remove it`];
  });
}
