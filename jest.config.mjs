/** One configuration for every package: ESM, sources resolved by the export condition `@fledge/source`. */
export default {
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
  testMatch: ['<rootDir>/libs/**/*.spec.ts', '<rootDir>/apps/**/*.spec.ts'],
  modulePathIgnorePatterns: [
    '<rootDir>/dist/',
    '<rootDir>/libs/kit/dist/',
    '<rootDir>/libs/nats/dist/',
    '<rootDir>/apps/cli/dist/',
    '/dist$',
  ],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  // One spec at a time: many start servers and processes of their own, and some measure time.
  maxWorkers: 1,
  // ends a hang, also on a machine that is slow at the moment
  testTimeout: 120_000,
};
