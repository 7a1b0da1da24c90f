/** Loaded before an application: writes to `LOADED_FILE` what the process loads of OpenTelemetry, and who requires it. */
import { appendFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';

const HOOKS = `
import { appendFileSync } from 'node:fs';
export async function load(url, context, next) {
  if (url.includes('/@opentelemetry/')) appendFileSync(process.env.LOADED_FILE, 'import: ' + url + '\\n');
  return next(url, context);
}`;
register(`data:text/javascript,${encodeURIComponent(HOOKS)}`);

const nameIn = (file) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
process.on('exit', () => {
  const { cache } = createRequire(import.meta.url);
  const parents = new Map();
  for (const module of Object.values(cache))
    for (const child of module.children)
      if (nameIn(child.id) !== nameIn(module.id)) parents.set(nameIn(child.id), nameIn(module.id));
  for (const file of Object.keys(cache).filter((file) => file.includes('/@opentelemetry/')))
    appendFileSync(
      process.env.LOADED_FILE,
      `require: by ${parents.get(nameIn(file))}: ${file.slice(file.lastIndexOf('/node_modules/') + 14)}\n`,
    );
});
