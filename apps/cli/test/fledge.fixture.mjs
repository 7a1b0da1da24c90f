/**
 * Runs the `fledge` command from its sources, in a process of its own: `node --conditions @fledge/source
 * fledge.fixture.mjs start …`.
 */
import { register } from 'node:module';

register('../../../libs/kit/test/typescript.hooks.mjs', import.meta.url);
await import('../src/main.ts');
