/**
 * Nest's own schematics for `nest generate`, adapted so that they also register what they generate in a
 * `@BoundedModule`: they only look for `@Module`.
 */
import { chain, externalSchematic } from '@angular-devkit/schematics';

const BOUNDED = '@BoundedModule(';
/** Nest's schematics compare the decorator's name ignoring case, and no real code writes it like this. */
const DISGUISE = '@MODULE(';

export const controller = registering('controller');
export const gateway = registering('gateway');
export const module = registering('module');
export const provider = registering('provider');
export const resolver = registering('resolver');
export const resource = registering('resource');
export const service = registering('service');

/** Runs Nest's schematic of that name while bounded modules look like stock ones. @param {string} name */
function registering(name) {
  return (options) =>
    chain([
      replaceIn(options.sourceRoot, BOUNDED, DISGUISE),
      externalSchematic('@nestjs/schematics', name, options),
      replaceIn(options.sourceRoot, DISGUISE, BOUNDED),
    ]);
}

/** @param {string} folder @param {string} text @param {string} replacement */
function replaceIn(folder, text, replacement) {
  return (tree) => {
    tree.getDir(folder).visit((path) => {
      if (!path.endsWith('.module.ts')) return;
      const content = tree.readText(path);
      if (content.includes(text)) tree.overwrite(path, content.replace(text, replacement));
    });
  };
}
