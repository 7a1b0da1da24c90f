/**
 * What `nest generate` makes of a bounded module: the module itself, and in one the messages of its contract with their
 * handlers, its consumers of events and its processes. Each comes with a test that runs in every topology.
 */
import { posix } from 'node:path';
import { addToOptions } from '#lint/options-list.js';
import { kebab, parsed, pascal } from './names.js';
import { contractFrom, endingOf, loadTypeScript, moduleNamed, near, readApplication } from './place.js';
import { module as stockModule } from './register.js';
import { writeTest } from './test-files.js';
import { newModule } from './new-module.js';

/** @typedef {import('@angular-devkit/schematics').Tree} Tree */

/** A bounded module; inside the folder of one, a stock Nest module. */
export function module(options) {
  return async (tree) => {
    const application = readApplication(tree);
    const path = posix.join('/', options.sourceRoot ?? 'src', options.path ?? '', options.name);
    if (application.modules.some((one) => hasOwnFolder(one) && path.startsWith(`${one.folder}/`)))
      return stockModule(options);
    newModule(tree, application, kebab(posix.basename(options.name)), options, await loadTypeScript());
    return undefined;
  };
}

/** The module that is the rest of an application has its contract among the other files. */
function hasOwnFolder({ folder, contractFile }) {
  return contractFile.startsWith(`${folder}/contract/`) || contractFile === `${folder}/contract.ts`;
}

export const command = message('command', {
  base: 'Command',
  contract: 'CommandContract',
  list: 'commands',
  handler: 'CommandHandler',
  bus: 'CommandBus',
});
export const query = message('query', {
  base: 'Query',
  contract: 'QueryContract',
  list: 'queries',
  handler: 'QueryHandler',
  bus: 'QueryBus',
});

/** A command or a query, and its handler. */
function message(kind, { base, contract, list, handler, bus }) {
  return (options) => async (tree) => {
    const { edit, own, name, cls, ending, application } = await begin(kind, options, tree);
    const result = `${cls}Result`;
    addToContract(
      tree,
      edit,
      own,
      list,
      `${name}.${kind}`,
      cls,
      [result, cls],
      () => `import { ${contract}, type Fields } from '@fledge/kit/contract';
import { ${base} } from '@nestjs/cqrs';
import { IsUUID } from 'class-validator';

export class ${result} {
  @IsUUID() id!: string;
}

@${contract}('${own.name}.${name}.v1', { result: ${result} })
export class ${cls} extends ${base}<${result}> {
  @IsUUID() readonly id!: string;
  constructor(fields: Fields<${cls}>) {
    super();
    Object.assign(this, fields);
  }
}
`,
    );
    const file = besideModule(own, `${name}.handler.ts`);
    tree.create(
      file,
      `import { ${handler}, type I${handler} } from '@nestjs/cqrs';
import { ${cls}, type ${result} } from '${near(file, own.contractFile)}${ending}';

@${handler}(${cls})
export class ${cls}Handler implements I${handler}<${cls}> {
  execute({ id }: ${cls}): Promise<${result}> {
    return Promise.resolve({ id });
  }
}
`,
    );
    provide(tree, edit, own, `${cls}Handler`, file);
    writeTest(tree, {
      list: application.list,
      name: `${own.name}.${name}`,
      ending,
      imports: (test) => [
        "import assert from 'node:assert/strict';",
        "import { randomUUID } from 'node:crypto';",
        `import { ${bus} } from '@nestjs/cqrs';`,
        `import { ${cls} } from '${withEnding(contractFrom(test, own, undefined), ending)}';`,
      ],
      body: `inEveryTopology('${own.name} answers ${cls}', async ({ caller }) => {
  const id = randomUUID();
  const result = await caller.get(${bus}, { strict: false }).execute(new ${cls}({ id }));
  assert.equal(result.id, id);
});
`,
    });
  };
}

/** An event of a module's contract. */
export function event(options) {
  return async (tree) => {
    const { edit, own, name, cls, ending, application } = await begin('event', options, tree);
    addToContract(
      tree,
      edit,
      own,
      'events',
      `${name}.event`,
      cls,
      [cls],
      () => `import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsUUID } from 'class-validator';

@EventContract('${own.name}.${name}.v1', { key: 'id' })
export class ${cls} {
  @IsUUID() readonly id!: string;
  constructor(fields: Fields<${cls}>) {
    Object.assign(this, fields);
  }
}
`,
    );
    writeTest(tree, {
      list: application.list,
      name: `${own.name}.${name}`,
      ending,
      imports: (test) => [
        "import assert from 'node:assert/strict';",
        "import { randomUUID } from 'node:crypto';",
        "import { eventually } from '@fledge/kit/testing';",
        "import { EventBus } from '@nestjs/cqrs';",
        "import { DataSource } from 'typeorm';",
        `import { ${cls} } from '${withEnding(contractFrom(test, own, undefined), ending)}';`,
      ],
      body: `inEveryTopology('${own.name} publishes ${cls} with the commit of its transaction', async (app) => {
  const id = randomUUID();
  const dataSource = app.module('${own.name}').get(DataSource, { strict: false });
  const events = app.module('${own.name}').get(EventBus, { strict: false });
  await assert.rejects(
    dataSource.transaction(() => {
      events.publish(new ${cls}({ id: randomUUID() }));
      return Promise.reject(new Error('rolled back'));
    }),
  );
  await dataSource.transaction(() => Promise.resolve(events.publish(new ${cls}({ id }))));
  await eventually(async () => {
    const rows = await dataSource.query('select key from fledge_outbox where name = $1 and sent_at is not null', ['${own.name}.${name}.v1']);
    assert.deepEqual(rows, [{ key: id }]);
  }, 'the event is sent');
});
`,
    });
  };
}

/** What reacts to an event: `parts` returns its code, and what its test expects. */
function reaction(kind, ofFile, parts) {
  return (options) => async (tree) => {
    const { edit, own, name, cls, ending, application, of } = await begin(kind, options, tree);
    const taken = eventOf(tree, application, own, of);
    const file = besideModule(own, `${name}.${ofFile}.ts`);
    const contract = withEnding(contractFrom(file, taken.module, own), ending);
    const { code, ...test } = parts({ own, name, cls, taken, contract });
    tree.create(file, code);
    provide(tree, edit, own, cls, file);
    use(tree, edit, own, taken.module);
    writeTest(tree, eventTest({ application, own, name, ending, taken, ...test }));
  };
}

/** A consumer of an event: `nest g consumer orders/restock stock.stock-taken`. */
export const consumer = reaction('consumer', 'handler', ({ own, name, cls, taken, contract }) => ({
  code: `import { Consumer } from '@fledge/kit';
import { Logger } from '@nestjs/common';
import { EventsHandler, type IEventHandler } from '@nestjs/cqrs';
import { ${taken.cls} } from '${contract}';

/** Runs once for each event, in a transaction of this module; it is retried when it fails. */
@Consumer('${name}')
@EventsHandler(${taken.cls})
export class ${cls} implements IEventHandler<${taken.cls}> {
  private readonly logger = new Logger(${cls}.name);

  handle({ ${taken.key} }: ${taken.cls}): void {
    this.logger.debug(\`\${${taken.key}}\`);
  }
}
`,
  title: `${own.name} handles ${taken.cls} once`,
  extra: [],
  expects: `    const rows = await app.module('${own.name}').get(DataSource, { strict: false }).query(
      'select key, state from fledge_inbox where consumer = $1',
      ['${name}'],
    );
    assert.deepEqual(rows, [{ key: String(event.${taken.key}), state: 'handled' }]);
`,
  what: 'it is handled',
}));

/** A process that an event starts: `nest g process orders/fulfilment orders.order-placed`. */
export const process = reaction('process', 'process', ({ own, name, cls, taken, contract }) => ({
  code: `import { Process, type Run, Starts } from '@fledge/kit';
import { IsString } from 'class-validator';
import { ${taken.cls} } from '${contract}';

/** The state that a run keeps between its events. */
export class ${cls}State {
  @IsString() startedBy = '';
}

/** One run for each key, from its first event until it finishes. */
@Process('${name}', { state: ${cls}State })
export class ${cls} {
  @Starts(${taken.cls}, ({ ${taken.key} }) => ${taken.keyText})
  begin({ ${taken.key} }: ${taken.cls}, run: Run<${cls}State>): void {
    run.state.startedBy = ${taken.keyText};
    run.finish('done');
  }
}
`,
  title: `${taken.cls} starts ${name}, which finishes`,
  extra: ["import { Processes } from '@fledge/kit';"],
  expects: `    const run = await app.module('${own.name}').get(Processes, { strict: false }).show('${name}', String(event.${taken.key}));
    assert.equal(run?.outcome, 'done');
`,
  what: 'the run is finished',
}));

/** A test that publishes an event as its module does, and waits for what follows. */
function eventTest({ application, own, name, ending, taken, title, extra, expects, what }) {
  return {
    list: application.list,
    name: `${own.name}.${name}`,
    ending,
    imports: (test) => [
      "import assert from 'node:assert/strict';",
      ...(taken.fields.includes('randomUUID') ? ["import { randomUUID } from 'node:crypto';"] : []),
      ...extra,
      "import { eventually } from '@fledge/kit/testing';",
      "import { EventBus } from '@nestjs/cqrs';",
      "import { DataSource } from 'typeorm';",
      `import { ${taken.cls} } from '${withEnding(contractFrom(test, taken.module, undefined), ending)}';`,
    ],
    body: `inEveryTopology('${title}', async (app) => {
  const event = new ${taken.cls}({ ${taken.fields} });
  const publisher = app.module('${taken.module.name}');
  await publisher
    .get(DataSource, { strict: false })
    .transaction(() => Promise.resolve(publisher.get(EventBus, { strict: false }).publish(event)));
  await eventually(async () => {
${expects}  }, '${what}');
});
`,
  };
}

/** Reads the application, and says where things go. */
async function begin(kind, options, tree) {
  const { module: moduleName, name, of } = parsed(kind, options);
  const application = readApplication(tree);
  const own = moduleNamed(application, moduleName);
  if (application.list === undefined)
    throw new Error(
      'there is no list of modules, a file with `: Application = {`: run nest g -c @fledge/kit nest-add first.',
    );
  const compiler = await loadTypeScript();
  const edit = (path, addition) => {
    const changed = addToOptions(compiler, path, tree.readText(path), addition);
    if (changed === undefined)
      throw new Error(`${path}: '${addition.key}' is no plain list; add ${addition.element} by hand.`);
    tree.overwrite(path, changed);
  };
  return { edit, own, name, of, cls: pascal(name), ending: endingOf(tree), application };
}

/** Writes a message's file beside the contract, and lists and exports it there. */
function addToContract(tree, edit, own, list, base, cls, exported, text) {
  const file = posix.join(posix.dirname(own.contractFile), `${base}.ts`);
  tree.create(file, text());
  edit(own.contractFile, {
    of: 'defineContract',
    key: list,
    after: ['events', 'queries', 'commands', 'name'],
    element: cls,
    imports: { name: cls, from: `./${base}` },
  });
  const before = tree.readText(own.contractFile);
  const line = `export { ${exported.toSorted().join(', ')} } from './${base}${endingOf(tree)}';\n`;
  const [definition] = /^(?:\/\*\*(?:(?!\*\/)[^])*\*\/\n)?export const \w+\s*=\s*defineContract\(/m.exec(before) ?? [
    '',
  ];
  const at = before.indexOf(definition);
  const hasExports = /^export \{.*\} from/m.test(before.slice(0, at));
  const head = hasExports ? before.slice(0, at).replace(/\n*$/, '\n') : before.slice(0, at);
  tree.overwrite(own.contractFile, `${head}${line}\n${before.slice(at)}`);
}

/** Beside the class of the module. */
function besideModule(own, name) {
  return posix.join(posix.dirname(own.moduleFile), name);
}

function provide(tree, edit, own, cls, file) {
  edit(own.moduleFile, {
    of: 'BoundedModule',
    key: 'providers',
    after: ['controllers', 'migrations', 'entities', 'uses', 'contract'],
    element: cls,
    imports: { name: cls, from: near(own.moduleFile, file) },
  });
}

function use(tree, edit, own, other) {
  if (own.name === other.name) return;
  edit(own.moduleFile, {
    of: 'BoundedModule',
    key: 'uses',
    after: ['contract'],
    element: other.contract,
    imports: { name: other.contract, from: contractFrom(own.moduleFile, other, own) },
  });
}

/** Relative imports need an ending, packages do not. */
function withEnding(specifier, ending) {
  return specifier.startsWith('.') ? `${specifier}${ending}` : specifier;
}

const VALUES = { IsUUID: 'randomUUID()', IsString: "'a'", IsInt: '1', IsNumber: '1', IsBoolean: 'true' };

/** The event that is named, as `stock.stock-taken`, or the only one of the module's own contract. */
function eventOf(tree, application, own, of) {
  const [moduleName = own.name, eventName] = of?.split('.').filter(Boolean) ?? [];
  const module = moduleNamed(application, kebab(moduleName));
  const folder = posix.dirname(module.contractFile);
  const texts = tree
    .getDir(folder)
    .subfiles.filter((file) => file.endsWith('.ts'))
    .map((file) => tree.readText(posix.join(folder, file)));
  const events = texts.flatMap((text) =>
    [
      ...text.matchAll(
        /@EventContract\('[\w-]+\.([\w-]+)\.v\d+',\s*\{[^}]*key:\s*'(\w+)'[^}]*\}\)\s*export class (\w+) \{([^]*?)\n\}/g,
      ),
    ].map(([, name, key, cls, body]) => ({ name, key, cls, body })),
  );
  const found =
    eventName === undefined
      ? events[0]
      : events.find(({ name, cls }) => name === kebab(eventName) || cls === eventName);
  if (found === undefined)
    throw new Error(
      `${module.name} has no event${eventName === undefined ? '' : ` '${eventName}'`}; name one as <module>.<event>, of: ${events.map(({ name }) => `${module.name}.${name}`).join(', ') || 'none'}.`,
    );
  const fields = [...found.body.matchAll(/^\s*((?:@\w+\([^\n]*?\)\s*)+)readonly (\w+)[!?]?: (\w+)/gm)].map(
    ([, decorators, field, type]) => {
      const [, known] = /@(IsUUID|IsString|IsInt|IsNumber|IsBoolean)\(/.exec(decorators) ?? [];
      return { field, type, value: known ? VALUES[known] : 'undefined as never' };
    },
  );
  const keyType = fields.find(({ field }) => field === found.key)?.type;
  return {
    module,
    cls: found.cls,
    key: found.key,
    keyText: keyType === 'string' ? found.key : `String(${found.key})`,
    fields: fields.map(({ field, value }) => `${field}: ${value}`).join(', '),
  };
}
