/**
 * An application that keeps the contract between `fledge start` and an application, and nothing more: modules `a` and
 * `b`, each with one route. `FAKE_CHECK` is what a check of a topology finds wrong, `FAKE_REFUSES` names a service that
 * cannot start, `FAKE_HANGS` one that does not end on SIGTERM.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    topology: { type: 'string' },
    service: { type: 'string' },
    check: { type: 'boolean' },
    'list-modules': { type: 'boolean' },
  },
});
const { FAKE_CHECK, FAKE_REFUSES, FAKE_HANGS, FLEDGE_PORT, FLEDGE_ADMIN_PORT, DATABASE_URL, NATS_URL } = process.env;
const { FLEDGE_HTTP_CERT, FLEDGE_HTTP_KEY, NATS_CA, NATS_CERT, NATS_KEY } = process.env;

if (values['list-modules']) {
  console.log(
    JSON.stringify({
      modules: [
        { name: 'a', routes: ['/a'] },
        { name: 'b', routes: ['/b'] },
      ],
    }),
  );
} else if (values.check) {
  if (FAKE_CHECK) console.error(`${values.topology}:1:1: ${FAKE_CHECK}\n  Nothing was started.`);
  process.exitCode = FAKE_CHECK ? 78 : 0;
} else if (values.service === FAKE_REFUSES) {
  console.error(`${values.service} has no such setting`);
  process.exitCode = 78;
} else {
  serve();
}

function serve() {
  const adminPort = Number(FLEDGE_ADMIN_PORT);
  const admin = adminPort > 0 ? createServer((request, response) => answer(request, response)) : undefined;
  const answer = (request, response) => {
    if (request.url === '/a/crash') process.exit(3);
    if (admin && request.url === '/docs' && request.socket.localPort !== adminPort) response.statusCode = 404;
    const secrets = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => /^(SECRET|DATABASE)_OF_/.test(name)),
    );
    const told = { DATABASE_URL, NATS_URL, NATS_CA, NATS_CERT, NATS_KEY, secrets };
    response.end(JSON.stringify({ service: values.service, pid: process.pid, ...told }));
  };
  const server = FLEDGE_HTTP_CERT
    ? createSecureServer({ cert: readFileSync(FLEDGE_HTTP_CERT), key: readFileSync(FLEDGE_HTTP_KEY) }, answer)
    : createServer(answer);
  admin?.listen(adminPort, '127.0.0.1');
  const stop = () => server.close(() => process.exit(0)).closeAllConnections();
  process.on('SIGTERM', () => values.service !== FAKE_HANGS && stop());
  process.on('disconnect', () => process.exit(0));
  server.listen(Number(FLEDGE_PORT), '127.0.0.1', () => console.log(`${values.service} listens`));
}
