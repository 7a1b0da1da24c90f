import type { ESLint } from 'eslint';

/**
 * The kit's ESLint plugin, for the flat configuration: `plugins: { fledge }`, `rules: { 'fledge/module-boundaries':
 * 'error' }`.
 */
export declare const fledge: ESLint.Plugin;
