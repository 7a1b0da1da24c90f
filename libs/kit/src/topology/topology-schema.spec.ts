import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { parseTopology, TopologyError } from './index.js';

interface Schema {
  readonly properties: Readonly<Record<string, Schema>>;
  readonly additionalProperties: Schema;
}

const schema = JSON.parse(readFileSync(join(process.cwd(), 'libs/kit/topology.schema.json'), 'utf8')) as Schema;

/** The keys that a section of a topology file may have, according to its check. */
function knownIn(text: string): string[] {
  try {
    parseTopology('t.yaml', text, { modules: ['a'], env: {} });
  } catch (error) {
    if (error instanceof TopologyError)
      return (/Known here: ([^.]*)\./.exec(error.message)?.[1] ?? '').split(', ').sort();
    throw error;
  }
  throw new Error('no key was refused');
}

const ALL = 'services: { all: { modules: [a] } }\n';
const UNKNOWN = 'zzzzzzzzzzzz: 1';

describe('the JSON Schema of topology files, for editors,', () => {
  it('has the keys that the check has', () => {
    expect(Object.keys(schema.properties).sort()).toEqual(knownIn(`${ALL}${UNKNOWN}`));
    for (const section of ['nats', 'database', 'http', 'drain', 'retention', 'production', 'trust', 'calls']) {
      expect([section, ...Object.keys(schema.properties[section]?.properties ?? {}).sort()]).toEqual([
        section,
        ...knownIn(`${ALL}${section}: { ${UNKNOWN} }`),
      ]);
    }
    for (const section of ['nats', 'database', 'http']) {
      expect([section, ...Object.keys(schema.properties[section]?.properties.tls?.properties ?? {}).sort()]).toEqual([
        section,
        ...knownIn(`${ALL}${section}: { tls: { ${UNKNOWN} } }`),
      ]);
    }
    expect(Object.keys(schema.properties.services?.additionalProperties.properties ?? {}).sort()).toEqual(
      knownIn(`services: { all: { modules: [a], ${UNKNOWN} } }`),
    );
  });

  it('accepts the files of this repository and of the starter', () => {
    const isSound = new Ajv2020({ allowUnionTypes: true }).compile(schema);
    for (const folder of ['config', 'apps/create/template/config']) {
      for (const file of readdirSync(join(process.cwd(), folder))) {
        const text = readFileSync(join(process.cwd(), folder, file), 'utf8')
          .replaceAll('{{name}}', 'app')
          // variables, which are substituted before the file is read as YAML
          .replace(/(?<!")\$\{[^}]*\}/g, (variable) => `'${variable}'`);
        expect([file, isSound(parse(text)), isSound.errors]).toEqual([file, true, null]);
      }
    }
  });

  it.each([
    ['transport: kafka'],
    ['http: { port: 65536 }'],
    ['drain: { timeout: 10 }'],
    ['calls: { callerShare: 101 }'],
    ['calls: { modules: { a: { breaker: { window: 1 } } } }'],
    ['database: { poolMax: 101 }'],
    ['htpp: { port: 1 }'],
  ])('refuses %s', (line) => {
    expect(new Ajv2020({ allowUnionTypes: true }).compile(schema)(parse(`${ALL}${line}`))).toBe(false);
  });
});
