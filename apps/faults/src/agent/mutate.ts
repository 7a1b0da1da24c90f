/**
 * Loaded into a service before its own code: applies one mutation, named by the query of this module's URL, to the code
 * that is loaded after it.
 */
import { register } from 'node:module';
import { MUTATIONS } from '../mutations.js';

const mutation = MUTATIONS[new URL(import.meta.url).search.slice(1)];
if (mutation === undefined) throw new Error(`${import.meta.url} names no mutation`);
register('./mutate.hooks.js', import.meta.url, { data: mutation.edits });
