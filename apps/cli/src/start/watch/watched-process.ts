/**
 * Runs before the application in each process of `fledge start --watch`, by `--import`: tells the supervisor which
 * files the process loads. In a spare process it loads the packages that others have loaded, and waits until it is
 * told which service to be.
 */
import inspector from 'node:inspector';
import nodeModule, { createRequire, register } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import type { FromWatched, ToSpare } from './spare.js';

const TELL_AFTER_MS = 20;
const LOOK_EVERY_MS = 100;

/** Node 22.15 and later; its types are those of Node 20. */
interface SynchronousHooks {
  registerHooks?(hooks: { resolve: ResolveNow }): void;
}
type ResolveNow = (
  specifier: string,
  context: { readonly parentURL?: string },
  next: (specifier: string, context: object) => { readonly url: string },
) => { readonly url: string };

const isSpare = process.env.FLEDGE_SPARE !== undefined;
delete process.env.FLEDGE_SPARE;

const loaded = new Set<string>();
const packages = new Set<string>();
let news: { files: string[]; packages: string[] } = { files: [], packages: [] };
let timer: NodeJS.Timeout | undefined;

const { registerHooks } = nodeModule as SynchronousHooks;
if (registerHooks) registerHooks({ resolve: resolveAndNote });
else {
  noteImports();
  noteRequires();
}
// what is thrown while the application loads ends it before the timer does
process.once('exit', tell);
if (isSpare) await becomeNeeded();

/** Sees what is imported and what is required. */
function resolveAndNote(...[specifier, context, next]: Parameters<ResolveNow>): ReturnType<ResolveNow> {
  const resolved = next(specifier, context);
  note(resolved.url, context.parentURL);
  return resolved;
}

/** Older releases have hooks only for imports, in a thread of their own. */
function noteImports(): void {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', ([url, parent]: [string, string | undefined]) => note(url, parent));
  port1.unref();
  register(new URL('./watched-process.hooks.js', import.meta.url), { data: { port: port2 }, transferList: [port2] });
}

/** And what is required must be looked up among the loaded modules, again and again: nothing says when there are more. */
function noteRequires(): void {
  const { cache } = createRequire(import.meta.url);
  const seen = new Set<string>();
  const look = (): void => {
    for (const [file, loadedModule] of Object.entries(cache)) {
      if (seen.has(file) || !loadedModule) continue;
      seen.add(file);
      const url = pathToFileURL(file).href;
      note(url, undefined);
      for (const child of loadedModule.children) note(pathToFileURL(child.filename).href, url);
    }
  };
  setInterval(look, LOOK_EVERY_MS).unref();
  process.once('exit', look);
}

function note(url: string, parent: string | undefined): void {
  if (!url.startsWith('file:')) return;
  if (!isOfPackage(url)) once(loaded, news.files, fileURLToPath(url.replace(/[?#].*$/, '')));
  else if (parent !== undefined && !isOfPackage(parent)) once(packages, news.packages, url);
}

function once(known: Set<string>, fresh: string[], name: string): void {
  if (known.has(name)) return;
  known.add(name);
  fresh.push(name);
  timer ??= setTimeout(tell, TELL_AFTER_MS).unref();
}

function tell(): void {
  clearTimeout(timer);
  timer = undefined;
  if (news.files.length === 0 && news.packages.length === 0) return;
  const message: FromWatched = { fledgeLoaded: news };
  news = { files: [], packages: [] };
  // without a supervisor there is nobody to tell; the application ends by itself then
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

function isOfPackage(url: string): boolean {
  return url.includes('/node_modules/');
}

/** Resolves when this process is to be a service. */
async function becomeNeeded(): Promise<void> {
  const leave = (): never => process.exit(0);
  process.once('disconnect', leave);
  let warmed = Promise.resolve();
  const { args, env, inspectPort, inspectHost } = await new Promise<ToSpare['be']>((resolve) => {
    const onMessage = (message: Partial<ToSpare> & { readonly warm?: readonly string[] }): void => {
      if (message.warm) warmed = warm(message.warm);
      if (!message.be) return;
      process.off('message', onMessage);
      resolve(message.be);
    };
    process.on('message', onMessage);
  });
  await warmed;
  process.off('disconnect', leave);
  process.argv.push(...args);
  Object.assign(process.env, env);
  if (inspectPort !== undefined) inspector.open(inspectPort, inspectHost);
}

async function warm(urls: readonly string[]): Promise<void> {
  for (const url of urls) {
    try {
      await import(url);
    } catch {
      // the application loads it again, and reports what is wrong
    }
  }
}
