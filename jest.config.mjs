/** What all specs share: ESM, sources resolved by the export condition `@fledge/source`. */
export const shared = {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@fledge/source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  globalSetup: '<rootDir>/libs/kit/test/servers.globalsetup.mjs',
  globalTeardown: '<rootDir>/libs/kit/test/servers.globalteardown.mjs',
  modulePathIgnorePatterns: [
    '<rootDir>/dist/',
    '<rootDir>/libs/kit/dist/',
    '<rootDir>/libs/nats/dist/',
    '<rootDir>/apps/cli/dist/',
    '/dist$',
  ],
};

/** Ends a hang, also on a machine that is slow at the moment. In milliseconds. */
export const testTimeout = 120_000;

/** Folders whose specs run two at a time: they mostly wait, and do not measure time. */
const TOGETHER = ['libs', 'apps/cli/src'];
/** Specs of those folders that measure time or memory all the same, or look at all databases of the server. */
const ALONE = [
  'libs/kit/src/http/admission.spec.ts',
  'libs/kit/test/law/replicas.spec.ts',
  'libs/kit/test/messaging/backlog.spec.ts',
  'libs/kit/test/messaging/replicas.spec.ts',
  'libs/kit/test/whole-application/test-application.spec.ts',
  'libs/nats/src/in-flight.spec.ts',
  'libs/nats/src/nats.transport.spec.ts',
  'libs/nats/src/reconnect.spec.ts',
  'libs/nats/src/startup.spec.ts',
  'libs/shop/payments/test/sandbox.spec.ts',
];
const IGNORED = ['/node_modules/', '/dist/'];

/** Two parts of one run: specs that bear company, then those that start servers and processes of their own. */
export default {
  maxWorkers: 2,
  testTimeout,
  projects: [
    {
      ...shared,
      testMatch: TOGETHER.map((folder) => `<rootDir>/${folder}/**/*.spec.ts`),
      testPathIgnorePatterns: [...IGNORED, ...ALONE.map((spec) => `<rootDir>/${spec}$`)],
    },
    {
      ...shared,
      runner: '<rootDir>/libs/kit/test/one-at-a-time.runner.mjs',
      testMatch: ['<rootDir>/libs/**/*.spec.ts', '<rootDir>/apps/**/*.spec.ts'],
      testPathIgnorePatterns: [...IGNORED, `<rootDir>/(?!${ALONE.join('|')})(?:${TOGETHER.join('|')})/`],
    },
  ],
};
