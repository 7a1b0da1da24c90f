import { parseTopology, type Topology } from './index.js';

const ALL = 'services: { all: { modules: [a] } }';
const PG = 'postgres://u:p@db/shop';

function parse(text: string, env: Record<string, string> = {}): Topology {
  return parseTopology('t.yaml', `${ALL}\n${text}`, { modules: ['a'], env });
}

describe('the files for TLS in a topology file', () => {
  it('are those of each section; empty ones count as not named', () => {
    const { nats, http } = parse(`
nats: { tls: { ca: ca.pem, cert: c.pem, key: c.key } }
http: { tls: { cert: s.pem, key: s.key } }
`);
    expect([nats.tls, http.tls]).toEqual([
      { ca: 'ca.pem', cert: 'c.pem', key: 'c.key' },
      { cert: 's.pem', key: 's.key' },
    ]);
    const none = parse('nats: { tls: { ca: "${CA:-}" } }\nhttp: { tls: { cert: "", key: "" } }');
    expect([none.nats.tls, none.http.tls]).toEqual([undefined, undefined]);
  });

  it('are those of the environment if the file names none', () => {
    const env = { NATS_CA: 'ca', NATS_CERT: 'c', NATS_KEY: 'k', FLEDGE_HTTP_CERT: 's', FLEDGE_HTTP_KEY: 'sk' };
    const given = parse('', env);
    expect([given.nats.tls, given.http.tls]).toEqual([
      { ca: 'ca', cert: 'c', key: 'k' },
      { cert: 's', key: 'sk' },
    ]);
    expect(parse('nats: { tls: { ca: other.pem } }', env).nats.tls).toEqual({ ca: 'other.pem' });
  });

  it('make every connection of the database verify the server and its name, whatever its URL says', () => {
    const tls = 'tls: { ca: /c/ca.pem, cert: c.pem, key: c.key }';
    const secure = '?sslmode=verify-full&sslrootcert=%2Fc%2Fca.pem&sslcert=c.pem&sslkey=c.key';
    expect(parse(`database: { url: "${PG}", ${tls} }`).database.url).toBe(PG + secure);
    expect(parse(`database: { ${tls} }`, { DATABASE_URL: `${PG}?sslmode=disable` }).database.url).toBe(PG + secure);
    expect(parse(`database: { url: "${PG}?sslmode=require" }`).database.url).toBe(`${PG}?sslmode=require`);
  });

  it.each([
    ['nats: { tls: { cert: c.pem } }', /`cert` without `key`.*Name both/],
    ['http: { tls: { key: k.pem } }', /`key` without `cert`.*Name both/],
    ['http: { tls: { cert: 7, key: k } }', /http\.tls\.cert is 7, which is not a path/],
    ['database: { tls: { crt: c.pem } }', /unknown key 'database\.tls\.crt'.*Did you mean 'cert'/],
    ['http: { tls: { ca: c.pem } }', /unknown key 'http\.tls\.ca'/],
  ])('is reported: %s', (text, problem) => {
    expect(() => parse(text)).toThrow(problem);
  });
});
