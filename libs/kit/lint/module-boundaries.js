import { basename, dirname, join, resolve, sep } from 'node:path';
import { folderRules } from './module-folders.js';
import { eachImport, isMoreOfKit, KIT, packageOf, packagesAround, targetOf } from './workspace.js';

/** The file of an application that may load modules. */
const MODULE_LIST = 'modules.ts';

/**
 * A module is known only by its contract: it imports nothing of other modules but their `/contract` and stays in its
 * package, and its `contract/` imports neither its other code nor more of the kit than `@fledge/kit/contract`. In an
 * application of one package a module is a folder with a `contract` in it. `fledge verify` checks this and more, with
 * more detail; this rule is for the editor.
 */
export const moduleBoundaries = {
  meta: {
    type: 'problem',
    docs: { description: "modules know each other's contracts only" },
    schema: [],
    messages: {
      contractOnly:
        "'{{specifier}}' belongs to the inside of another module. Allowed is '{{allowed}}': call the module by a message of its contract.",
      leavesPackage: "'{{specifier}}' leaves the package {{package}}. Import '{{allowed}}' by its name.",
      deepImport: "'{{specifier}}' is not exported. Allowed: {{allowed}}.",
      moduleListOnly:
        "'{{specifier}}' is a module's code. Only an application's {{list}} loads it; others import '{{allowed}}'.",
      contractInside:
        "A contract imports nothing from the inside of its module: move what it needs from '{{specifier}}' into contract/.",
      contractKit: "A contract imports nothing of the kit but '{{allowed}}'.",
      folderContractOnly:
        "'{{specifier}}' belongs to the inside of the module {{module}}. Allowed is its contract/: call the module by a message of its contract.",
      folderListOnly:
        "'{{specifier}}' is the code of the module {{module}}. Only the file with the application's list of modules, {{list}}, loads it.",
    },
  },
  create(context) {
    const packages = packagesAround(context.filename);
    const own = packageOf(packages, context.filename);
    // a workspace without a package that is a module has its modules in folders
    if (!packages.some(({ isModule }) => isModule)) return folderRules(context);
    if (!own) return {};
    const inContract = own.isModule && context.filename.startsWith(join(own.folder, 'contract') + sep);
    const report = (node, messageId, data) => context.report({ node, messageId, data });

    return eachImport((node, specifier) => {
      if (specifier.startsWith('.')) {
        const path = resolve(dirname(context.filename), specifier);
        if (!path.startsWith(own.folder + sep)) {
          const other = packageOf(packages, path);
          if (other || own.isModule)
            report(node, 'leavesPackage', {
              specifier,
              package: own.name,
              allowed: other ? nameFor(other) : 'a package',
            });
        } else if (inContract && !path.startsWith(join(own.folder, 'contract') + sep))
          report(node, 'contractInside', { specifier });
        return;
      }
      if (inContract && isMoreOfKit(specifier)) return report(node, 'contractKit', { allowed: `${KIT}/contract` });
      const found = targetOf(packages, specifier);
      if (!found) return;
      const { target, key } = found;
      if (target === own) {
        if (inContract && key !== './contract') report(node, 'contractInside', { specifier });
        return;
      }
      if (own.isModule && target.isModule && key !== './contract')
        return report(node, 'contractOnly', { specifier, allowed: nameFor(target) });
      if (target.exports && !target.exports.includes(key)) {
        return report(node, 'deepImport', {
          specifier,
          allowed: target.exports.map((exported) => `'${target.name}${exported.slice(1)}'`).join(', '),
        });
      }
      if (target.isModule && key === '.' && basename(context.filename) !== MODULE_LIST)
        report(node, 'moduleListOnly', { specifier, list: MODULE_LIST, allowed: nameFor(target) });
    });
  },
};

function nameFor({ name, isModule }) {
  return isModule ? `${name}/contract` : name;
}
