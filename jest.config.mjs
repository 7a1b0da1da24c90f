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

/** Specs that measure time or memory, load the machine, or look at all databases of the server: one at a time. */
const ALONE = [
  'apps/cli/test/watch.scenario.spec.ts',
  'apps/faults/test/faults.spec.ts',
  'apps/shop/test/broker-away.spec.ts',
  'apps/shop/test/cancellations.spec.ts',
  'apps/shop/test/crashes.spec.ts',
  'apps/shop/test/journeys.spec.ts',
  'apps/shop/test/lost-connections.spec.ts',
  'apps/shop/test/postgres-restart.spec.ts',
  'apps/shop/test/postman.spec.ts',
  'apps/shop/test/race.spec.ts',
  'apps/shop/test/replacement.spec.ts',
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

/** Two parts of one run: specs that bear company, for they mostly wait, and then the others. */
export default {
  maxWorkers: 2,
  testTimeout,
  testSequencer: '<rootDir>/libs/kit/test/longest-first.sequencer.mjs',
  projects: [
    {
      ...shared,
      testMatch: ['<rootDir>/libs/**/*.spec.ts', '<rootDir>/apps/**/*.spec.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/dist/', ...ALONE.map((spec) => `<rootDir>/${spec}$`)],
    },
    {
      ...shared,
      runner: '<rootDir>/libs/kit/test/one-at-a-time.runner.mjs',
      testMatch: ALONE.map((spec) => `<rootDir>/${spec}`),
    },
  ],
};
