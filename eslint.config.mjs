import tseslint from 'typescript-eslint';
import { fledge } from './libs/kit/lint/index.js';

const NAMED_EXPORTS = ['ExportDefaultDeclaration', "ExportSpecifier[exported.name='default']"].map((selector) => ({
  selector,
  message: 'Named exports only: one name for one thing, in every file that imports it.',
}));

export default tseslint.config(
  { ignores: ['**/dist/', '.data/', '.cache/', 'coverage/', 'apps/create/template/'] },
  // A finding is mended; nothing in a file can turn a rule off.
  { linterOptions: { noInlineConfig: true } },
  {
    files: ['**/*.{js,mjs,ts}'],
    plugins: { fledge },
    languageOptions: { parser: tseslint.parser },
    rules: {
      'fledge/module-boundaries': 'error',
      'fledge/kit-rooms': 'error',
      'fledge/no-import-cycles': 'error',
      'no-restricted-syntax': ['error', ...NAMED_EXPORTS],
      'no-empty': 'error',
      eqeqeq: ['error', 'smart'],
      'max-lines': ['error', { max: 475, skipBlankLines: true }],
    },
  },
  {
    // What a tool loads by its default export.
    files: [
      '**/*.config.mjs',
      '**/*.globalsetup.mjs',
      '**/*.globalteardown.mjs',
      '**/*.runner.mjs',
      '**/*.sequencer.mjs',
    ],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['{apps,libs}/**/*.ts'],
    ignores: ['libs/kit/lint/**'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      // Nest's interfaces answer promises, and so does much that has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // The kit takes methods off stock objects to wrap them; each is bound or called with its object again.
      '@typescript-eslint/unbound-method': 'off',
      // With TypeScript 6 it takes assertions for needless without which the code does not compile.
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
    },
  },
  {
    // The body of a `describe` is a list of tests, no function to keep short.
    files: ['**/*.spec.ts', '**/*.compliance.ts', 'libs/kit/src/compliance/**/*.ts', 'apps/shop/test/journeys/*.ts'],
    // And `expect.any(…)` and its kin are `any`.
    rules: {
      'max-lines': ['error', { max: 600, skipBlankLines: true }],
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    // What makes fast functions from contracts, as text.
    files: ['libs/kit/src/boundary/compile.ts', 'libs/nats/src/json.ts'],
    rules: { '@typescript-eslint/no-implied-eval': 'off' },
  },
  {
    // What misbehaves on purpose.
    files: ['libs/kit/test/**/*.ts', 'libs/kit/src/compliance/**/*.ts'],
    rules: { '@typescript-eslint/only-throw-error': 'off' },
  },
  {
    // What the compiler must refuse.
    files: ['libs/kit/test/types/*.ts'],
    rules: { '@typescript-eslint/no-unsafe-return': 'off' },
  },
  {
    // TypeORM's own type of an entity.
    files: ['libs/kit/src/data/open-module-data.ts'],
    rules: { '@typescript-eslint/no-unsafe-function-type': 'off' },
  },
);
