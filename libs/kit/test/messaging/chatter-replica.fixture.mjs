/**
 * Runs a replica of the chatter modules from their sources, in a process of its own: `node --conditions @fledge/source
 * chatter-replica.fixture.mjs <order>`.
 */
import { register } from 'node:module';

register('../typescript.hooks.mjs', import.meta.url);
await import('./chatter-replica.main.ts');
