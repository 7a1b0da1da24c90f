import { fledge } from '@fledge/kit/lint';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', '.data/'] },
  { files: ['**/*.ts'], extends: [tseslint.configs.recommended], plugins: { fledge }, rules: { 'fledge/module-boundaries': 'error' } },
);
