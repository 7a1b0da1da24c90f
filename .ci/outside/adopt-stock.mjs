/**
 * What `nest new` makes, ESM with Nest 12 and CommonJS with Nest 11, adopts the kit by the steps of the guide: the
 * application of that guide moves into it, is installed with the commands that stand there, and runs as one process and
 * as services.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, step, whileStarted } from './steps.mjs';

const GUIDE = 'libs/kit/docs/guides/adopting.md';
const TESTING = 'libs/kit/docs/guides/testing.md';
const APPLICATION = 'libs/kit/test/adoption/after';
/** What the stock application of the guide has besides what `nest new` writes. */
const STOCK = (nest) => [`@nestjs/typeorm@${nest}`, 'typeorm@1', 'class-validator', 'class-transformer'];

/**
 * A test of the whole application, for jest and vitest alike: with the names that both have in common, and nothing of
 * this repository.
 */
const END_TO_END = `import { testApplication, type TestedApplication } from '@fledge/kit/testing';
import request from 'supertest';
import { BooksService } from '../src/books/books.service.js';
import { library } from '../src/library.application.js';

describe.each(['monolith', 'split'])('AppModule (e2e), %s', (topology) => {
  let app: TestedApplication;

  beforeAll(async () => {
    app = await testApplication(library, { topology })
      .overrideProvider(BooksService)
      .useValue({ find: () => [{ id: 1, title: 'Emma', copies: 1 }] })
      .start();
  }, 120_000);
  afterAll(() => app?.close(), 60_000);

  it('/loans (POST)', async () => {
    const { body } = await request(app.getHttpServer()).post('/loans').send({ bookId: 1, reader: 'Ada' }).expect(201);
    expect(body).toEqual({ id: 1, reader: 'Ada', title: 'Emma' });
    await request(app.getHttpServer()).post('/loans').send({ bookId: 1, reader: 'Bob' }).expect(409);
  }, 60_000);
});
`;

/** Any free one. */
const PORT = 'http:\n  port: ${PORT:-3000}\n';

/** @param {string} nest the major release @param {string} root an empty folder @param {NodeJS.ProcessEnv} env */
export async function adoptStock(nest, root, env) {
  const app = join(root, `nest-${nest}`);
  await step(`nest new, Nest ${nest}`, () =>
    run(
      'npx',
      [
        '--yes',
        `@nestjs/cli@${nest}`,
        'new',
        `nest-${nest}`,
        '--skip-install',
        '--skip-git',
        '--package-manager',
        'npm',
      ],
      root,
      env,
    ),
  );
  const isEsm = JSON.parse(readFileSync(join(app, 'package.json'), 'utf8')).type === 'module';
  if (isEsm !== (nest === '12')) throw new Error(`nest new of Nest ${nest} makes ${isEsm ? 'ESM' : 'CommonJS'} now`);
  await step('npm install', () => run('npm', ['install', '--loglevel=error', ...STOCK(nest)], app, env));
  await step('the steps of the guide', () => followGuide(app, nest, isEsm, env));
  await step('nest build', () => run('npm', ['run', '--silent', 'build'], app, env));
  await step('fledge verify', () => run('npx', ['fledge', 'verify'], app, env));
  await step(`the whole application, tested by ${isEsm ? 'vitest' : 'jest'}`, () => testEndToEnd(app, isEsm, env));
  for (const topology of ['monolith', 'split'])
    await step(`fledge start ${topology}`, () => whileStarted(app, ['npx', 'fledge', 'start', topology], env, lend));
}

async function followGuide(app, nest, isEsm, env) {
  const marked = /^<!-- run by \.ci\/outside\/adopt-stock\.mjs -->\n```(\w+)\n([^]*?)^```$/gm;
  const blocks = [...readFileSync(GUIDE, 'utf8').matchAll(marked)].map(([, language, text]) => ({ language, text }));
  if (blocks.map(({ language }) => language).join() !== 'sh,yaml')
    throw new Error(`${GUIDE} is to have commands and a topology for this, and has ${JSON.stringify(blocks)}`);
  const [{ text: commands }, { text: topology }] = blocks;
  for (const command of commands.trim().split('\n'))
    await run('bash', ['-c', command.replaceAll('@12', `@${nest}`)], app, env);
  mkdirSync(join(app, 'config'));
  writeFileSync(join(app, 'config/monolith.yaml'), `${topology}${PORT}`);
  writeFileSync(
    join(app, 'config/split.yaml'),
    `transport: nats\nservices:\n  books: { modules: [books] }\n  library: { modules: [app] }\n${PORT}`,
  );
  rmSync(join(app, 'src'), { recursive: true });
  cpSync(APPLICATION, join(app, 'src'), { recursive: true });
  const main = join(app, 'src/main.ts');
  // as the guide says
  if (!isEsm) writeFileSync(main, readFileSync(main, 'utf8').replace('await runApplication', 'void runApplication'));
  if (existsSync(join(app, 'test'))) rmSync(join(app, 'test'), { recursive: true });
}

/** With the runner and the configuration of `nest new`; in CommonJS, as the page says. */
async function testEndToEnd(app, isEsm, env) {
  mkdirSync(join(app, 'test'));
  writeFileSync(join(app, 'test/app.e2e-spec.ts'), END_TO_END);
  if (isEsm) return run('npm', ['run', '--silent', 'test:e2e'], app, env);
  const marked = /^<!-- run by \.ci\/outside\/adopt-stock\.mjs -->\n```json\n([^]*?)^```$/m;
  const [, settings] = marked.exec(readFileSync(TESTING, 'utf8')) ?? [];
  if (settings === undefined) throw new Error(`${TESTING} is to have settings for jest in CommonJS`);
  writeFileSync(join(app, 'test/jest-e2e.json'), settings);
  const options = { ...env, NODE_OPTIONS: '--experimental-vm-modules --no-warnings' };
  return run('npm', ['run', '--silent', 'test:e2e'], app, options);
}

/** One module stores a book, the other asks it for the title. */
async function lend(url) {
  const post = async (path, body) => {
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (answer.status !== 201) throw new Error(`POST ${path} was answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  };
  const { id } = await post('/books', { title: 'Emma', copies: 1 });
  const loan = await post('/loans', { bookId: id, reader: 'Ada' });
  if (loan.title !== 'Emma') throw new Error(`a loan without its title: ${JSON.stringify(loan)}`);
}
